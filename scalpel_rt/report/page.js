// Sorting and filtering of the tables. Without scripts, the page shows everything in the order of measuring.
for (const section of document.querySelectorAll("section[data-table]")) {
  const table = section.querySelector("table"), body = table.tBodies[0], rows = [...body.rows];
  const form = section.querySelector("form"), said = section.querySelector("[role=status]");
  form.hidden = false;
  form.addEventListener("submit", event => event.preventDefault());

  const filter = () => {
    const wanted = [...form.querySelectorAll("select")].map(s => [+s.dataset.column, s.value]).filter(([, v]) => v);
    const text = form.querySelector("input[type=search]").value.trim().toLowerCase();
    let left = 0;
    for (const row of rows) {
      row.hidden = !(wanted.every(([i, v]) => row.cells[i].textContent === v)
                     && row.textContent.toLowerCase().includes(text));
      left += !row.hidden;
    }
    said.textContent = `${left} of ${rows.length} rows`;
  };
  form.addEventListener("input", filter);
  const all = form.querySelector("input[type=checkbox]");
  all?.addEventListener("change", () => table.classList.toggle("essential", !all.checked));

  for (const button of table.tHead.querySelectorAll("button")) {
    button.addEventListener("click", () => {
      const head = button.closest("th"), up = head.getAttribute("aria-sort") !== "ascending";
      const value = row => row.cells[head.cellIndex].dataset.value ?? row.cells[head.cellIndex].textContent;
      const empty = row => value(row) === "";
      const number = rows.every(row => empty(row) || !isNaN(value(row)));
      rows.sort((a, b) => empty(a) - empty(b)
        || (up ? 1 : -1) * (number ? value(a) - value(b) : value(a).localeCompare(value(b))));
      body.append(...rows);
      for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      said.textContent = `sorted by ${button.textContent}, ${up ? "ascending" : "descending"}`;
    });
  }
}
