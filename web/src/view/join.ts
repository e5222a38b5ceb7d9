// The form in front of the meeting: name, PIN if one is needed, microphone.

import { Sound, watchLevel } from "../sound";
import type { Words } from "../words";
import { alertBox, button, el, field } from "./dom";

export interface Wish {
  name: string;
  pin: string;
}

export interface JoinForm {
  element: HTMLElement;
  focus(): void;
  stop(): void;
}

export function joinForm(words: Words, sound: Sound, given: Wish, needsPin: boolean, problem: string, join: (wish: Wish) => void): JoinForm {
  const name = el("input", { type: "text", autocomplete: "name", maxlength: "60" });
  const pin = el("input", { type: "text", inputmode: "numeric", autocomplete: "off", maxlength: "12" });
  (name.value = given.name), (pin.value = given.pin);
  const nameField = field("name", words.name, words.nameHint, name);
  const pinField = field("pin", words.pin, words.pinHint, pin);
  const select = el("select", { class: "kern-form-input__select", id: "microphone", change: () => void open(select.value) });
  const meter = el("meter", { min: "0", max: "1", low: "0.2", "aria-label": words.level, class: "level" });
  const silent = el("div", { hidden: true }, alertBox("warning", words.noMicrophone));
  const devices = el("div", { class: "kern-form-input" }, el("label", { class: "kern-label", for: "microphone" }, words.microphone),
    el("div", { class: "kern-form-input__select-wrapper" }, select), meter);
  let stopMeter = (): void => {};

  const open = async (device?: string): Promise<void> => {
    const works = await sound.openMicrophone(device);
    stopMeter();
    silent.hidden = works;
    devices.hidden = !works;
    if (!works || !sound.microphone) return;
    stopMeter = watchLevel(sound.microphone, (level) => (meter.value = level));
    const chosen = sound.microphone.getAudioTracks()[0]?.getSettings().deviceId ?? "";
    const inputs = (await navigator.mediaDevices.enumerateDevices()).filter((one) => one.kind === "audioinput");
    select.replaceChildren(...inputs.map((one, at) => {
      const option = el("option", { value: one.deviceId }, one.label || `${words.defaultDevice} ${at + 1}`);
      option.selected = one.deviceId === chosen;
      return option;
    }));
  };

  const submit = (event: Event): void => {
    event.preventDefault();
    nameField.complain("");
    pinField.complain("");
    const wish = { name: name.value.trim(), pin: pin.value.replace(/\D/g, "") };
    if (!wish.name) return nameField.complain(words.nameMissing);
    if (needsPin && !wish.pin) return pinField.complain(words.pinMissing);
    join(wish);
  };
  const send = button(words.join, () => {}, "primary kern-btn--block", { type: "submit" });
  const element = el("form", { class: "stack narrow", submit, novalidate: true }, el("h1", { class: "kern-heading-large" }, words.title),
    ...(problem ? [el("div", { role: "alert" }, alertBox("danger", problem))] : []), nameField.box, ...(needsPin ? [pinField.box] : []), devices, silent, send);
  if (sound.microphone) void open(sound.microphone.getAudioTracks()[0]?.getSettings().deviceId);
  else void open();
  return { element, focus: () => (needsPin ? pin : name).focus(), stop: () => stopMeter() };
}

/** Where no meeting is named in the address. */
export function roomForm(words: Words): HTMLElement {
  const room = el("input", { type: "text", autocapitalize: "none", autocomplete: "off" });
  const roomField = field("room", words.room, words.roomHint, room);
  const submit = (event: Event): void => {
    event.preventDefault();
    const name = room.value.trim().toLowerCase();
    if (!/^[a-z0-9][a-z0-9_-]{0,63}$/.test(name)) return roomField.complain(words.roomMissing);
    location.assign(`/r/${name}`);
  };
  return el("form", { class: "stack narrow", submit, novalidate: true }, el("h1", { class: "kern-heading-large" }, words.title), roomField.box,
    button(words.go, () => {}, "primary kern-btn--block", { type: "submit" }));
}
