// Small helpers to build the page. Text is always text: nothing that somebody wrote becomes markup.

type Attributes = Record<string, string | boolean | ((event: Event) => void)>;

export function el<K extends keyof HTMLElementTagNameMap>(name: K, attributes: Attributes = {}, ...children: (Node | string)[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (typeof value === "boolean") element.toggleAttribute(key, value);
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

export function button(label: string, press: () => void, look = "secondary", more: Attributes = {}): HTMLButtonElement {
  return el("button", { type: "button", class: `kern-btn kern-btn--${look}`, click: press, ...more }, el("span", { class: "kern-label" }, label));
}

/** Changes what a button says, and leaves it where it is: it keeps the focus. */
export function relabel(target: HTMLButtonElement, label: string, pressed?: boolean): void {
  const text = target.firstElementChild;
  if (text && text.textContent !== label) text.textContent = label;
  if (pressed !== undefined) target.classList.toggle("is-on", pressed);
}

/** A labelled input with a hint and room for an error. */
export function field(id: string, label: string, hint: string, input: HTMLInputElement): { box: HTMLElement; complain(text: string): void } {
  input.id = id;
  input.classList.add("kern-form-input__input");
  input.setAttribute("aria-describedby", `${id}-hint ${id}-error`);
  const error = el("p", { class: "kern-error", id: `${id}-error`, hidden: true });
  const box = el("div", { class: "kern-form-input" }, el("label", { class: "kern-label", for: id }, label),
    el("div", { class: "kern-hint", id: `${id}-hint` }, hint), input, error);
  const complain = (text: string): void => {
    error.hidden = text === "";
    error.replaceChildren(el("span", { class: "kern-body" }, text));
    box.classList.toggle("kern-form-input--error", text !== "");
    input.classList.toggle("kern-form-input__input--error", text !== "");
    input.setAttribute("aria-invalid", String(text !== ""));
    if (text) input.focus();
  };
  return { box, complain };
}

export function alertBox(kind: "info" | "warning" | "danger", text: string, ...more: Node[]): HTMLElement {
  return el("div", { class: `kern-alert kern-alert--${kind}` }, el("div", { class: "kern-alert__header" },
    el("span", { class: `kern-icon kern-icon--${kind}`, "aria-hidden": "true" }), el("span", { class: "kern-title" }, text)), ...more);
}

/** Puts the rows in order, and moves only those that are elsewhere: one that has the focus keeps it, and what is read out is what is new. */
export function arrange(place: HTMLElement, wanted: HTMLElement[]): void {
  const keep = new Set<Element>(wanted);
  for (const row of [...place.children]) if (!keep.has(row)) row.remove();
  wanted.forEach((row, at) => {
    if (place.children[at] !== row) place.insertBefore(row, place.children[at] ?? null);
  });
}
