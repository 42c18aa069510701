/* The browser snippet. Nothing is stored or sent before shopkeeper('consent', true).
   Served without comments and indentation, at most 3 kB. docs/how-to/send-events.md */
(function (w, d) {
  var tag = d.currentScript, url = new URL('/v1/events?key=' + tag.dataset.key, tag.src).href;
  var batch = 20, wait = 2000, most = 200, consent, queue = [], timer = 0, tries = 0, busy, who;
  // Names that hold a person or a card are dropped wherever they stand.
  var deny = /^(person|e-?mail|phone|name|address|postcode|ip|device_id|card.*|cvc|cvv|iban|pan|password)$/i;
  var early = w.shopkeeper && w.shopkeeper.q || [];
  function uuid() {
    var b = crypto.getRandomValues(new Uint8Array(16)), h = '';
    b[6] = b[6] & 15 | 64; b[8] = b[8] & 63 | 128;
    b.forEach(function (x, i) {
      h += (/^(4|6|8|10)$/.test(i) ? '-' : '') + (x + 256).toString(16).slice(1);
    });
    return h;
  }
  function keep(name, value) {
    try {
      if (value === null) localStorage.removeItem(name);
      else if (value) localStorage.setItem(name, value);
      return localStorage.getItem(name);
    } catch (e) {}
  }
  function session() {
    var now = Date.now(), s = (keep('sk_s') || '').split('|');
    if (!s[0] || now - s[1] > 18e5) s[0] = uuid();
    keep('sk_s', s[0] + '|' + now);
    return s[0];
  }
  function clean(o) {
    if (Array.isArray(o)) return o.map(clean);
    if (!o || typeof o != 'object') return o;
    var c = {};
    for (var k in o) if (!deny.test(k)) c[k] = clean(o[k]);
    return c;
  }
  function later() {
    if (!timer && queue.length) timer = setTimeout(send, queue.length < batch ? wait : 0);
  }
  // A body of text needs no preflight, and fetch keepalive outlives the page as a beacon does.
  function post(part) {
    return fetch(url, {
      method: 'POST', body: JSON.stringify(part), keepalive: true, credentials: 'omit'
    });
  }
  function send() {
    timer = 0;
    if (!consent || busy || !queue.length) return;
    var part = queue.slice(0, batch);
    busy = 1;
    post(part).then(function (r) {
      done(part, r.status == 429 || r.status > 499, r.headers.get('Retry-After'));
    }, function () { done(part, 1); });
  }
  function done(part, again, after) {
    busy = 0;
    if (again && ++tries < 8) {
      var pause = Math.max(after * 1e3 || 0, (1e3 << tries) * (.5 + Math.random()));
      if (!timer) timer = setTimeout(send, pause);
      return;
    }
    tries = 0;
    queue = queue.filter(function (e) { return part.indexOf(e) < 0; });
    later();
  }
  function leave() {
    while (consent && queue.length) {
      var part = queue.splice(0, batch);
      if (!navigator.sendBeacon || !navigator.sendBeacon(url, JSON.stringify(part)))
        post(part).catch(function () {});
    }
  }
  function call(what, a) {
    if (what == 'consent') {
      consent = a && keep('sk_c', '1');
      if (a) return consent = 1;
      clearTimeout(timer);
      timer = 0; queue = []; who = 0;
      keep('sk_c', null); keep('sk_s', null);
    }
    if (!consent) return;
    if (what == 'customer') who = a;
    else if (queue.length < most) {
      var e = clean(a || {});
      e.event_id = uuid(); e.kind = what; e.occurred_at = new Date().toISOString();
      e.session_id = session(); e.url = e.url || location.origin + location.pathname;
      if (who) e.customer_id = who;
      queue.push(e);
      later();
    }
  }
  consent = keep('sk_c');
  w.shopkeeper = call;
  early.forEach(function (a) { call(a[0], a[1]); });
  addEventListener('pagehide', leave);
  d.addEventListener('visibilitychange', function () { if (d.hidden) leave(); });
})(window, document);
