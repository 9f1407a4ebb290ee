// All that the report says stands in it without this script, which lets its tables be put in order: by the button in the
// head of a column, first from the greatest or from A, then the other way round. The sum stays at the end.
"use strict";
(() => {
  const text = new Intl.Collator("en", { numeric: true });

  // before compares two cells.
  function before(a, b) {
    const x = a.dataset.sort, y = b.dataset.sort;
    if (x !== undefined && y !== undefined) return Number(x) - Number(y);
    return text.compare(a.textContent, b.textContent);
  }

  function order(table, i, head) {
    const rows = Array.from(table.tBodies[0].rows);
    const numbers = rows.some((r) => r.cells[i].dataset.sort !== undefined);
    const now = head.getAttribute("aria-sort");
    const down = now ? now === "ascending" : numbers;
    for (const h of table.tHead.rows[0].cells) h.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const sums = rows.filter((r) => r.classList.contains("sum"));
    const others = rows.filter((r) => !r.classList.contains("sum"));
    others.sort((a, b) => (down ? -1 : 1) * before(a.cells[i], b.cells[i]));
    table.tBodies[0].replaceChildren(...others, ...sums);
  }

  for (const table of document.querySelectorAll("table")) {
    if (table.tBodies[0].rows.length < 2) continue;
    Array.from(table.tHead.rows[0].cells).forEach((head, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.addEventListener("click", () => order(table, i, head));
      head.replaceChildren(button);
    });
  }

  // A link to a rule opens it.
  function unfold() {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.matches("details")) target.open = true;
  }
  window.addEventListener("hashchange", unfold);
  unfold();
  document.documentElement.dataset.live = "true";
})();
