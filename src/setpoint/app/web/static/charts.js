// Charts: what a mark stands for, said beside it to who points at it, touches it, or comes to it by key.
// Without this the browser shows the same words for the mark under the pointer.
{
  const NEAR = 24;
  const tip = document.createElement("div");
  tip.className = "chart-tip";
  tip.hidden = true;
  let shown = null;

  const hide = () => {
    tip.hidden = true;
    shown?.classList.remove("pointed");
    shown = null;
  };

  const show = (mark) => {
    if (mark === shown) return;
    hide();
    shown = mark;
    mark.classList.add("pointed");
    const told = mark.getAttribute("aria-label");
    const end = told.indexOf(": ");
    const head = document.createElement("b");
    head.textContent = end < 0 ? told : told.slice(0, end);
    tip.replaceChildren(head, end < 0 ? "" : told.slice(end + 2));
    tip.hidden = false;
    const at = mark.getBoundingClientRect();
    const size = tip.getBoundingClientRect();
    const most = document.documentElement.clientWidth - size.width - 8;
    const left = Math.max(8, Math.min(most, at.left + at.width / 2 - size.width / 2));
    const above = at.top - size.height - 8;
    tip.style.left = left + scrollX + "px";
    tip.style.top = (above < 8 ? at.bottom + 8 : above) + scrollY + "px";
  };

  const distance = (mark, x, y) => {
    const at = mark.getBoundingClientRect();
    return Math.hypot(Math.max(at.left - x, 0, x - at.right), Math.max(at.top - y, 0, y - at.bottom));
  };

  for (const chart of document.querySelectorAll(".picture svg")) {
    // A dot and its interval say the same: the one that is drawn last, the dot, stands for both.
    const parts = new Map();
    for (const title of chart.querySelectorAll(":not(svg) > title")) {
      parts.set(title.textContent, [...(parts.get(title.textContent) ?? []), title.parentNode]);
      title.remove();
    }
    if (!parts.size) continue;
    const marks = [...parts.values()].map((held) => held.at(-1));
    [...parts.keys()].forEach((told, place) => marks[place].setAttribute("aria-label", told));
    chart.setAttribute("role", "group");
    marks.forEach((mark, place) => {
      mark.setAttribute("role", "img");
      mark.setAttribute("tabindex", place ? "-1" : "0");
      mark.addEventListener("focus", () => show(mark));
      mark.addEventListener("blur", hide);
    });
    chart.addEventListener("keydown", (event) => {
      const place = marks.indexOf(document.activeElement);
      const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
      const to = { Home: 0, End: marks.length - 1 }[event.key] ?? place + (steps[event.key] ?? NaN);
      if (event.key === "Escape") hide();
      if (place < 0 || !marks[to]) return;
      event.preventDefault();
      marks[place].setAttribute("tabindex", "-1");
      marks[to].setAttribute("tabindex", "0");
      marks[to].focus();
    });
    const point = (event) => {
      const near = [...parts.values()]
        .map((held) => [Math.min(...held.map((part) => distance(part, event.clientX, event.clientY))), held.at(-1)])
        .reduce((best, each) => (each[0] < best[0] ? each : best));
      if (near[0] <= NEAR) show(near[1]);
      else hide();
    };
    chart.addEventListener("pointermove", point);
    chart.addEventListener("pointerdown", point);
    chart.addEventListener("pointerleave", hide);
  }
  document.body.append(tip);
}
