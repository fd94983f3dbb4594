// SPDX-License-Identifier: Apache-2.0
// Sorting, filtering, and a row shown in the plots and a point in its table. Without it the page is whole, but still.
"use strict";
(() => {
  const all = (selector, place = document) => [...place.querySelectorAll(selector)];
  const rows = all("tbody tr");
  const pointsOf = new Map(rows.map((row) => [row.id, []]));
  for (const point of all(".point")) pointsOf.get(point.dataset.row).push(point);

  // Sorting: a button in each heading. What has no value stays last, whichever way the others go.
  const sortBy = (head) => {
    const heads = all("th", head.parentElement);
    const at = heads.indexOf(head);
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = head.closest("table").tBodies[0];
    const numeric = head.dataset.numeric === "1";
    const value = (row) => row.cells[at].dataset.value;
    const keyed = [...body.rows].map((row) => [value(row), row]);
    keyed.sort(([a], [b]) => {
      if (a === "" || b === "") return (a === "") - (b === "");
      const order = numeric ? a - b : a.localeCompare(b, "en", { numeric: true });
      return down ? -order : order;
    });
    body.append(...keyed.map(([, row]) => row));
  };
  for (const head of all("th")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sortBy(head));
    head.replaceChildren(button);
  }

  // The front of the points that are to be seen, as the page has it of all: steps from the bad edge to the right one.
  const drawFront = (plot) => {
    const sign = plot.dataset.rising === "1" ? 1 : -1;
    const [, top, right, bottom] = plot.dataset.edges.split(" ").map(Number);
    const places = all(".point.ranked:not(.off)", plot).map((point) => [+point.dataset.x, +point.dataset.y]);
    places.sort(([ax, ay], [bx, by]) => ax - bx || sign * (ay - by));
    let path = "";
    let best = Infinity;
    for (const [x, y] of places) {
      if (sign * y >= best) continue;
      path += path ? `H${x}V${y}` : `M${x} ${sign > 0 ? bottom : top}V${y}`;
      best = sign * y;
    }
    plot.querySelector(".front").setAttribute("d", path ? `${path}H${right}` : "");
  };

  // Arrow keys go from point to point; a plot is one stop of the tab key.
  const inOrder = (plot) => all(".point:not(.off)", plot).sort((a, b) => a.dataset.x - b.dataset.x);
  const oneStop = (plot) => {
    const points = inOrder(plot);
    for (const point of all(".point", plot)) point.setAttribute("tabindex", "-1");
    if (points.length) points[0].setAttribute("tabindex", "0");
  };
  const plots = all("svg.plot");
  for (const plot of plots) {
    oneStop(plot);
    plot.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      const point = event.target.closest(".point");
      if (!step || !point) return;
      event.preventDefault();
      const points = inOrder(plot);
      const next = points[points.indexOf(point) + step];
      if (!next) return;
      point.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    });
  }

  // A row and its points are shown together.
  const show = (id, lit) => {
    document.getElementById(id).classList.toggle("hot", lit);
    for (const point of pointsOf.get(id)) {
      point.classList.toggle("hot", lit);
      point.closest(".plot").classList.toggle("lit", lit);
    }
  };
  const watch = (element, id, tell) => {
    const on = (lit) => () => {
      show(id, lit);
      if (tell) tell.textContent = lit ? element.querySelector("title").textContent : "";
    };
    for (const name of ["mouseenter", "focusin"]) element.addEventListener(name, on(true));
    for (const name of ["mouseleave", "focusout"]) element.addEventListener(name, on(false));
  };
  for (const row of rows) watch(row, row.id);
  for (const plot of plots) {
    const tell = plot.parentElement.querySelector(".readout");
    for (const point of all(".point", plot)) watch(point, point.dataset.row, tell);
  }

  // Filtering.
  const form = document.getElementById("filters");
  const count = document.getElementById("count");
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const facets = all("select", form);
  const filter = () => {
    const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = facets.filter((facet) => facet.value).map((facet) => [facet.name, facet.value]);
    let left = 0;
    for (const row of rows) {
      const fits = wanted.every(([name, value]) => row.dataset[name] === value)
        && words.every((word) => texts.get(row).includes(word));
      row.hidden = !fits;
      for (const point of pointsOf.get(row.id)) point.classList.toggle("off", !fits);
      left += fits;
    }
    for (const section of all("main section")) {
      const total = all("tbody tr", section).length;
      const seen = all("tbody tr:not([hidden])", section).length;
      section.hidden = !seen;
      section.querySelector(".of").textContent = `${seen === total ? "" : `${seen} of `}${total} ${total === 1 ? "row" : "rows"}`;
      const link = document.querySelector(`nav a[href="#${section.id}"]`);
      link.classList.toggle("empty", !seen);
      link.querySelector(".count").textContent = seen === total ? total : `${seen} of ${total}`;
    }
    for (const plot of plots) {
      drawFront(plot);
      oneStop(plot);
    }
    count.textContent = `${left} of ${rows.length} rows`;
  };
  form.hidden = rows.length === 0;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  filter();

  // What sticks below the form must know how high it is.
  new ResizeObserver(() => {
    const sticks = getComputedStyle(form).position === "sticky";
    document.documentElement.style.setProperty("--bar", sticks ? `${form.offsetHeight}px` : "0px");
  }).observe(form);

  // On paper nothing can be opened.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    for (const details of closed) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
  });
})();
