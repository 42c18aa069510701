// Small help for the pages: times in the browser's zone, the search list, and reduced typing.
"use strict";

(function () {
  const language = document.documentElement.lang;
  const forms = {
    minute: new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }),
    // A day of the shop's tables is a UTC day, wherever the reader sits.
    day: new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" }),
  };

  function localTimes(root) {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const form = forms[time.dataset.form] || forms.minute;
      time.textContent = form.format(new Date(time.dateTime));
    }
  }

  function fill(root) {
    localTimes(root);
    if (window.shopkeeperCharts) window.shopkeeperCharts(root);
  }

  fill(document);
  document.addEventListener("htmx:after:swap", () => fill(document));

  const box = document.getElementById("find");
  const found = document.getElementById("found");
  if (box && found) {
    const links = () => [...found.querySelectorAll("a")];
    document.addEventListener("keydown", (press) => {
      const inside = found.contains(document.activeElement) || document.activeElement === box;
      if (press.key === "Escape" && inside) {
        found.replaceChildren();
        box.focus();
      }
      if ((press.key === "ArrowDown" || press.key === "ArrowUp") && inside && links().length) {
        press.preventDefault();
        const all = [box, ...links()];
        const step = press.key === "ArrowDown" ? 1 : -1;
        all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
      }
      const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
      if (press.key === "/" && !typing) {
        press.preventDefault();
        box.focus();
      }
    });
    document.addEventListener("click", (click) => {
      if (!click.target.closest(".find")) found.replaceChildren();
    });
  }
})();
