// Keyboard shortcuts and live progress. Every page works without this file.
"use strict";

const rows = () => [...document.querySelectorAll("a[data-row]")];
const isTyping = (element) => element.matches("input, select, textarea");
const follow = (rel) => document.querySelector(`a[rel~="${rel}"]`)?.click();

function move(step) {
  const all = rows();
  if (!all.length) return false;
  const here = all.indexOf(document.activeElement);
  const next = here < 0 ? (step > 0 ? 0 : all.length - 1) : here + step;
  if (next < 0 || next >= all.length) return true;
  all[next].focus();
  all[next].scrollIntoView({ block: "nearest" });
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const actions = {
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    "/": () => document.querySelector("input[type=search]")?.focus() ?? true,
    "[": () => follow("prev"),
    "]": () => follow("next"),
    u: () => follow("up"),
  };
  const action = actions[event.key];
  if (action && action() !== false) event.preventDefault();
});

// Choosing from a list applies the filter at once; the button is for browsers without scripts.
for (const chosen of document.querySelectorAll("form[data-filter] select")) {
  chosen.addEventListener("change", () => chosen.form.requestSubmit());
}

// Disable empty fields, and boxes nobody touched, so that the address does not contain them.
for (const form of document.querySelectorAll("form[data-filter]")) {
  form.addEventListener("submit", () => {
    const boxes = [...form.querySelectorAll("input[type=checkbox]")];
    const asked = new URLSearchParams(location.search).has("column");
    const usual = !asked && boxes.every((box) => box.checked === box.defaultChecked);
    for (const field of form.elements) {
      if (field.name && (!field.value || (usual && boxes.includes(field)))) field.disabled = true;
    }
  });
}

// Complete the last word of the filter line: the list offers the line with that word completed.
for (const line of document.querySelectorAll("input[data-words]")) {
  const words = [...line.list.options].map((option) => option.value);
  line.addEventListener("input", () => {
    const [, before, word] = line.value.match(/^(.*\s)?(\S*)$/s);
    const minus = word.startsWith("-") ? "-" : "";
    const typed = word.slice(minus.length).toLowerCase();
    const offered = words.filter((each) => each.toLowerCase().startsWith(typed)).slice(0, 40);
    line.list.replaceChildren(...offered.map((each) => new Option("", (before ?? "") + minus + each)));
  });
}
window.addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("form[data-filter] :disabled")) field.disabled = false;
});

async function update() {
  const old = document.getElementById("live");
  if (!old || !old.dataset.running) return;
  if (!document.hidden) {
    try {
      const answer = await fetch(old.dataset.source);
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById("live");
        if (fresh && !old.contains(document.activeElement)) old.replaceWith(fresh);
      }
    } catch (failure) {
      if (!(failure instanceof TypeError)) throw failure; // the server stopped; it may start again
    }
  }
  setTimeout(update, 3000);
}
setTimeout(update, 3000);
