// Small comforts. Every page works without this file; nothing here knows a secret or a rule of the server.

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const isTyping = (target) => target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;

// The time zone, so that the server can write local times. A name from the zone database, checked there.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.includes(`tz=${zone}`)) {
  document.cookie = `tz=${zone}; Path=/; SameSite=Lax; Max-Age=31536000${location.protocol === "https:" ? "; Secure" : ""}`;
}

// Panes keep their scroll when you come back.
const kept = one("[data-keep]");
if (kept) {
  const key = `scroll ${kept.dataset.keep}`;
  kept.scrollTop = Number(sessionStorage.getItem(key) ?? 0);
  addEventListener("pagehide", () => sessionStorage.setItem(key, String(kept.scrollTop)));
  one(".is-open")?.scrollIntoView({ block: "nearest" });
}

// Select all, and ranges with Shift.
const boxes = all(".row-check input");
const selectAll = one("[data-select-all]");
if (selectAll && boxes.length > 0) {
  selectAll.hidden = false;
  const show = () => {
    const chosen = boxes.filter((box) => box.checked).length;
    selectAll.checked = chosen === boxes.length;
    selectAll.indeterminate = chosen > 0 && chosen < boxes.length;
  };
  selectAll.addEventListener("change", () => boxes.forEach((box) => (box.checked = selectAll.checked)));
  let last = -1;
  boxes.forEach((box, index) =>
    box.addEventListener("click", (event) => {
      if (event.shiftKey && last >= 0) {
        boxes.slice(Math.min(last, index), Math.max(last, index) + 1).forEach((other) => (other.checked = box.checked));
      }
      last = index;
    }),
  );
  addEventListener("change", show);
  addEventListener("pageshow", show);
}

// Menus close when you leave them.
addEventListener("click", (event) => {
  all("details.menu[open]").forEach((menu) => menu.contains(event.target) || (menu.open = false));
});
addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = one("details.menu[open]");
  if (menu) {
    menu.open = false;
    one("summary", menu).focus();
  }
});

// What cannot be undone asks first.
all("[data-confirm]").forEach((button) =>
  button.addEventListener("click", (event) => confirm(button.dataset.confirm) || event.preventDefault()),
);

// A form with something typed in it is not left by accident; a button is pressed once.
const guarded = one("form[data-guard]");
if (guarded) {
  let touched = false;
  guarded.addEventListener("input", () => (touched = true));
  guarded.addEventListener("submit", (event) => {
    if (guarded.dataset.sent) event.preventDefault();
    guarded.dataset.sent = "1";
    touched = false;
  });
  addEventListener("pageshow", () => delete guarded.dataset.sent);
  addEventListener("beforeunload", (event) => touched && event.preventDefault());
}

// Undo counts down.
const toast = one("[data-until]");
if (toast) {
  const end = Date.now() + Number(toast.dataset.until) * 1000;
  const left = one("[data-countdown]", toast);
  left.hidden = false;
  left.setAttribute("aria-hidden", "true");
  const tick = () => {
    const seconds = Math.ceil((end - Date.now()) / 1000);
    left.textContent = ` ${seconds}`;
    if (seconds > 0) setTimeout(tick, 250);
    else toast.remove();
  };
  tick();
}

// Keyboard.
const dialog = one("#keys");
all("[data-dialog]").forEach((link) => {
  link.hidden = false;
  link.addEventListener("click", (event) => {
    event.preventDefault();
    dialog.showModal();
  });
});

const rows = all(".row");
const step = (by) => {
  const current = rows.findIndex((row) => row.contains(document.activeElement));
  const open = rows.findIndex((row) => row.classList.contains("is-open"));
  const from = current >= 0 ? current : open;
  const row = rows[from < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, from + by))];
  if (!row) return;
  one(".row-link", row).focus();
  if (open >= 0 && row !== rows[open]) one(".row-link", row).click();
};
const actOnRow = (name) => {
  const row = rows.find((candidate) => candidate.contains(document.activeElement));
  if (!row) return false;
  const button = all(".row-acts button", row).find((candidate) => candidate.value.startsWith(name));
  button?.click();
  return button !== undefined;
};
const press = (key) => {
  const target = all("[data-key]").find((element) => element.dataset.key === key);
  if (!target) return false;
  if (target.matches("input")) target.focus();
  else target.click();
  return true;
};
const keys = {
  j: () => (one(".row") ? step(1) : press("j")),
  k: () => (one(".row") ? step(-1) : press("k")),
  x: () => {
    const row = rows.find((candidate) => candidate.contains(document.activeElement));
    if (row) one(".row-check input", row).click();
  },
  "#": () => press("#") || actOnRow("delete"),
  "?": () => dialog?.showModal(),
};
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || one("dialog[open]")) return;
  const act = keys[event.key] ?? (() => press(event.key));
  if (!/^[jkucraef#/?x]$/.test(event.key)) return;
  event.preventDefault();
  act();
});
