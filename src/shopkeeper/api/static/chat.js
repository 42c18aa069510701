/* The shop's chat: one script tag, no other files than chat.css beside it.
   <script src="…/chat.js" data-session="/my-session" data-lang="zh" async></script>
   data-session: an address of the shop that answers {"token": …} for the signed-in customer. */
(function () {
  "use strict";
  var me = document.currentScript;
  var base = new URL(me.src).origin;
  var lang = me.dataset.lang || (navigator.language || "en").slice(0, 2);
  if (lang !== "zh") lang = "en";
  var WORDS = {
    en: { open: "Chat with us", title: "Customer service", close: "Close", send: "Send", write: "Write a message",
      hello: "Hello! How can I help?", yes: "Yes, go ahead", no: "No", human: "Human", source: "Source",
      down: "The chat cannot be reached. Please try again.", waiting: "Writing …", operator: "Colleague", you: "You", bot: "Assistant",
      rate: "How was this conversation?", star: "{n} of 5 stars", word: "A word about it (optional)", later: "Not now", rated: "Thank you for the rating." },
    zh: { open: "联系客服", title: "在线客服", close: "关闭", send: "发送", write: "请输入消息",
      hello: "您好，请问有什么可以帮您？", yes: "是，确认办理", no: "不办", human: "人工", source: "来源",
      down: "暂时连接不上，请稍后再试。", waiting: "正在输入…", operator: "同事", you: "我", bot: "助手",
      rate: "请为这次服务打分", star: "{n} 星（满分 5 星）", word: "想说的话（可不填）", later: "以后再说", rated: "感谢您的评价。" }
  };
  var t = WORDS[lang];
  var token = null, busy = false, seen = {}, timer = null, state = "", rated = false;
  // A page that is loaded again goes on with the same conversation, until the tab is closed.
  var KEPT = "shopkeeper-chat:" + me.dataset.session;
  function kept(value) {
    try {
      if (value === undefined) return sessionStorage.getItem(KEPT);
      if (value) sessionStorage.setItem(KEPT, value); else sessionStorage.removeItem(KEPT);
    } catch (e) { /* a browser without storage begins anew */ }
    return null;
  }

  function make(tag, name, text) {
    var e = document.createElement(tag);
    if (name) e.className = name;
    if (text) e.textContent = text;
    return e;
  }
  var sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.href = base + "/chat.css";
  document.head.appendChild(sheet);

  var root = make("div", "sk-chat");
  root.lang = lang;
  var button = make("button", "sk-open", t.open);
  button.type = "button";
  button.setAttribute("aria-expanded", "false");
  var panel = make("section", "sk-panel");
  panel.hidden = true;
  panel.setAttribute("aria-label", t.title);
  var head = make("header", "sk-head");
  head.appendChild(make("strong", "", t.title));
  var human = make("button", "sk-human", t.human);
  human.type = "button";
  var close = make("button", "sk-close", "×");
  close.type = "button";
  close.setAttribute("aria-label", t.close);
  head.appendChild(human);
  head.appendChild(close);
  var list = make("div", "sk-list");
  list.setAttribute("role", "log");
  list.setAttribute("aria-live", "polite");
  list.tabIndex = 0;
  var form = make("form", "sk-form");
  var box = make("textarea", "sk-text");
  box.rows = 1;
  box.maxLength = 4000;
  box.setAttribute("aria-label", t.write);
  box.placeholder = t.write;
  var send = make("button", "sk-send", t.send);
  send.type = "submit";
  form.appendChild(box);
  form.appendChild(send);
  panel.appendChild(head);
  panel.appendChild(list);
  panel.appendChild(form);
  root.appendChild(button);
  root.appendChild(panel);
  document.body.appendChild(root);

  function say(who, text) {
    var row = make("div", "sk-row sk-" + who);
    row.appendChild(make("span", "sk-who", who === "me" ? t.you : who === "operator" ? t.operator : t.bot));
    var bubble = make("div", "sk-bubble");
    text.split("\n").forEach(function (line) { bubble.appendChild(make("p", "", line)); });
    row.appendChild(bubble);
    list.appendChild(row);
    list.scrollTop = list.scrollHeight;
    return row;
  }
  function ask(path, body) {
    return fetch(base + path, {
      method: body ? "POST" : "GET",
      headers: { "Content-Type": "application/json", Authorization: "Bearer " + token },
      body: body ? JSON.stringify(body) : undefined
    }).then(function (r) {
      if (r.status === 401) { token = null; kept(""); }  // the session is over: the next try opens one
      if (!r.ok) throw new Error(String(r.status));
      return r.json();
    });
  }
  function session() {
    if (token) return Promise.resolve();
    return fetch(me.dataset.session, { credentials: "same-origin" })
      .then(function (r) { if (!r.ok) throw new Error(String(r.status)); return r.json(); })
      .then(function (found) { token = found.token; kept(token); });
  }
  function rate() {
    if (rated || list.querySelector(".sk-rate")) return;
    var card = make("form", "sk-rate");
    var stars = make("fieldset", "sk-stars");
    stars.appendChild(make("legend", "", t.rate));
    var word = make("input", "sk-word");
    word.maxLength = 400;
    word.placeholder = t.word;
    word.setAttribute("aria-label", t.word);
    for (var n = 1; n <= 5; n++) {
      (function (n) {
        var star = make("button", "sk-star", "★");
        star.type = "button";
        star.setAttribute("aria-label", t.star.replace("{n}", n));
        star.addEventListener("click", function () {
          if (busy) return;
          rated = true;
          card.remove();
          say("me", new Array(n + 1).join("★") + (word.value.trim() ? "\n" + word.value.trim() : ""));
          turn({ rating: n, text: word.value.trim() });
        });
        stars.appendChild(star);
      })(n);
    }
    card.addEventListener("submit", function (e) { e.preventDefault(); });
    card.appendChild(word);
    card.appendChild(stars);
    var later = make("button", "sk-later", t.later);
    later.type = "button";
    later.addEventListener("click", function () { rated = true; card.remove(); box.focus(); });
    card.appendChild(later);
    list.appendChild(card);
    list.scrollTop = list.scrollHeight;
  }
  function restore() {
    token = kept();
    if (!token) return;
    ask("/v1/support/messages").then(function (found) {
      found.messages.forEach(function (m) {
        seen[m.id] = true;
        if (m.text !== "–") say(m.from === "customer" ? "me" : m.from === "operator" ? "operator" : "bot", m.text);
      });
      state = found.state;
      if (state === "waiting" || state === "taken") listen();
    }).catch(function () { /* over, or not reachable: the next message says so */ });
  }
  function show(answer) {
    var text = answer.reply;
    if (text) {
      var row = say("bot", text);
      answer.citations.forEach(function (c) { row.appendChild(make("p", "sk-cite", t.source + ": " + c.title)); });
      if (answer.confirm) {
        var bar = make("div", "sk-bar");
        [[t.yes, { confirm: answer.confirm.token }], [t.no, { text: t.no }]].forEach(function (pair) {
          var b = make("button", "sk-choice", pair[0]);
          b.type = "button";
          b.addEventListener("click", function () { bar.remove(); say("me", pair[0]); turn(pair[1]); });
          bar.appendChild(b);
        });
        row.appendChild(bar);
      }
    }
    list.scrollTop = list.scrollHeight;
    if (answer.acts.indexOf("ask_rating") >= 0) rate();
    if (answer.handover || !text) listen();
  }
  function turn(body) {
    if (busy) return;
    busy = true;
    body.language = lang;
    body.turn_id = String(Date.now()) + Math.random().toString(16).slice(2, 8);
    if (window.shopkeeperCart) body.cart = window.shopkeeperCart;
    var wait = make("p", "sk-wait", t.waiting);
    list.appendChild(wait);
    session().then(function () { return ask("/v1/support/turns", body); })
      .then(show)
      .catch(function () { say("bot", t.down); })
      .then(function () { busy = false; wait.remove(); });
  }
  function listen() {
    if (timer) return;
    timer = setInterval(function () {
      ask("/v1/support/messages").then(function (found) {
        found.messages.forEach(function (m) {
          if (m.from === "operator" && !seen[m.id]) { seen[m.id] = true; say("operator", m.text); }
        });
        if (found.state === "closed" && state !== "closed") { clearInterval(timer); timer = null; rate(); }
        state = found.state;
      }).catch(function () { /* the next round tries again */ });
    }, 3000);
  }
  function open(yes) {
    panel.hidden = !yes;
    button.hidden = yes;
    button.setAttribute("aria-expanded", String(yes));
    if (yes) {
      if (!list.children.length) say("bot", t.hello);
      box.focus();
    } else button.focus();
  }
  restore();
  button.addEventListener("click", function () { open(true); });
  close.addEventListener("click", function () { open(false); });
  human.addEventListener("click", function () { say("me", t.human); turn({ text: lang === "zh" ? "人工" : "I want to talk to a human" }); });
  panel.addEventListener("keydown", function (e) { if (e.key === "Escape") open(false); });
  box.addEventListener("keydown", function (e) {
    if (e.key === "Enter" && !e.shiftKey && !e.isComposing) { e.preventDefault(); form.requestSubmit(); }
  });
  form.addEventListener("submit", function (e) {
    e.preventDefault();
    var text = box.value.trim();
    if (!text || busy) return;
    box.value = "";
    say("me", text);
    turn({ text: text });
  });
})();
