// Drag a stop of the vehicles' day to another vehicle: the form says at once whether it fits.
"use strict";

(function () {
  const form = document.getElementById("move");
  const drawing = document.querySelector("[data-gantt]");
  if (!form || !drawing) return;
  let held = null;

  function laneAt(y) {
    for (const lane of drawing.querySelectorAll("[data-lane]")) {
      const box = lane.querySelector(".gantt-lane").getBoundingClientRect();
      if (y >= box.top && y <= box.bottom) return lane;
    }
    return null;
  }

  drawing.addEventListener("pointerdown", (press) => {
    const bar = press.target.closest("[data-stop]");
    if (!bar) return;
    held = bar;
    bar.classList.add("held");
    press.preventDefault();
  });
  window.addEventListener("pointerup", (release) => {
    if (!held) return;
    const bar = held;
    held = null;
    bar.classList.remove("held");
    const lane = laneAt(release.clientY);
    if (!lane) return;
    const others = [...lane.querySelectorAll("[data-stop]")].filter((one) => one !== bar);
    const before = others.filter((one) => {
      const box = one.getBoundingClientRect();
      return (box.left + box.right) / 2 < release.clientX;
    });
    form.elements.stop.value = bar.dataset.stop;
    form.elements.vehicle.value = lane.dataset.lane;
    form.elements.position.value = before.length + 1;
    form.dispatchEvent(new CustomEvent("tried"));
  });
  // The button moves for real: it leaves the page's quick question aside.
  form.querySelector("[data-apply]").addEventListener("click", (click) => {
    click.preventDefault();
    const yes = document.createElement("input");
    yes.type = "hidden";
    yes.name = "apply";
    yes.value = "yes";
    form.append(yes);
    HTMLFormElement.prototype.submit.call(form);
  });
})();
