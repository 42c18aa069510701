// An analyst's keys. Queue: j and k go down and up, Enter opens. Case: 1 to 9 choose a code, d goes to
// the button that decides (Enter presses it), n to the note, l takes the case, u goes up to the queue.
"use strict";

(function () {
  const queue = document.querySelector("#queue tbody");
  const decide = document.getElementById("decide");
  const typing = () => /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);

  function step(by) {
    const links = [...queue.querySelectorAll("tr td:first-child a")];
    const at = links.findIndex((one) => one === document.activeElement);
    const next = links[Math.min(links.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
    if (next) next.focus();
  }

  function inCase(key) {
    const code = decide && decide.querySelector("select[name=code]");
    if (code && /^[1-9]$/.test(key) && key <= code.options.length) {
      code.selectedIndex = Number(key) - 1;
      decide.querySelector("button[name=next]").focus();
      return true;
    }
    const aims = { d: "button[name=next]", n: "input[name=note]" };
    if (decide && aims[key]) {
      decide.querySelector(aims[key]).focus();
      return true;
    }
    if (decide && key === "l") {
      document.getElementById("take").click();
      return true;
    }
    if (key === "u") {
      document.querySelector(".crumb a").click();
      return true;
    }
    return false;
  }

  document.addEventListener("keydown", (press) => {
    if (press.ctrlKey || press.metaKey || press.altKey) return;
    if (press.key === "Escape" && typing()) document.activeElement.blur();
    if (typing()) return;
    if (queue && (press.key === "j" || press.key === "k")) {
      step(press.key === "j" ? 1 : -1);
      press.preventDefault();
    } else if (document.querySelector(".crumb") && inCase(press.key)) {
      press.preventDefault();
    }
  });
})();
