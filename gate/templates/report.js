"use strict";
// The samples lost and gained. What models wrote is data: it becomes text nodes, never markup, addresses or code.
(() => {
  const ROW = 62; // pixels, as in the style
  const LONGEST = 20000; // characters of one text that are shown, and compared, at once
  const MOST_EDITS = 500; // words that may differ before two answers count as different throughout
  const PRINTED = 1000;
  const HIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

  const el = (tag, attributes, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name === "on") for (const [event, act] of Object.entries(value)) made.addEventListener(event, act);
      else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children.filter((child) => child !== null && child !== ""));
    return made;
  };
  /** Text as it can be read: characters that hide or reorder others are named instead. */
  const plain = (text) => text.replace(HIDDEN, (found) => `\u27e8${found.codePointAt(0).toString(16).padStart(4, "0")}\u27e9`);
  const oneLine = (text) => plain(text.slice(0, 200)).replace(/\s+/g, " ");
  const points = (score) => (100 * score).toFixed(1).replace(/\.0$/, "");
  const signed = (delta) => `${delta < 0 ? "\u2212" : "+"}${points(Math.abs(delta))}`;
  const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ","); // toLocaleString would load a locale first
  const counted = (number, noun) => `${grouped(number)} ${noun}${number === 1 ? "" : "s"}`;

  // Slices of a family that are folded at first.
  for (const button of document.querySelectorAll("[data-folds]")) {
    const folded = document.getElementById(button.dataset.folds);
    const fold = (closed) => {
      folded.hidden = closed;
      button.setAttribute("aria-expanded", String(!closed));
    };
    button.addEventListener("click", () => fold(!folded.hidden));
    fold(true);
  }

  const holder = document.getElementById("flips-data");
  if (!holder) return;
  const evidence = JSON.parse(holder.textContent);
  const flips = evidence.flips;

  // Filters.
  const several = (names) => new Set(names).size > 1;
  const select = (label, every) => el("select", { "aria-label": label, "data-every": every, on: { change: filter } });
  const fill = (chooser, names) => {
    const before = chooser.value;
    const counts = new Map();
    for (const name of names) counts.set(name, (counts.get(name) || 0) + 1);
    chooser.replaceChildren(el("option", { value: "" }, chooser.dataset.every));
    for (const [name, number] of [...counts].sort((one, other) => (one[0] < other[0] ? -1 : 1))) {
      const option = el("option", {}, `${oneLine(name)} (${number})`);
      option.value = name;
      chooser.append(option);
    }
    chooser.value = counts.has(before) ? before : "";
    chooser.hidden = counts.size < 2 && !before;
  };
  const slicesOf = (flip) => Object.entries(flip.slices).map(([name, value]) => `${name}: ${value}`);
  const config = select("Model config", "every config");
  const family = select("Family", "every family");
  const slice = select("Slice", "every slice");
  const search = el("input", { type: "search", placeholder: "Search", "aria-label": "Search the samples", "aria-keyshortcuts": "/" });
  const directions = ["", "lost", "gained"].map((value) => {
    const input = el("input", { type: "radio", name: "direction", value, on: { change: filter } });
    input.checked = value === "";
    return { input, number: el("span") };
  });
  const direction = el("fieldset", { "aria-label": "Direction" });
  directions.forEach(({ input, number }) => direction.append(el("label", {}, input, input.value ? input.value[0].toUpperCase() + input.value.slice(1) : "All", " ", number)));

  const told = el("p", { class: "told", role: "status", "aria-live": "polite" });
  const list = el("div", { class: "list", role: "listbox", tabindex: "0", "aria-label": "Samples", "aria-controls": "flip-detail" });
  const space = el("div", { role: "presentation" });
  const detail = el("div", { class: "detail", id: "flip-detail", role: "region", "aria-label": "The chosen sample", tabindex: "-1" });
  const split = el("div", { class: "split" }, list, detail);
  list.append(space);
  document.getElementById("flips-app").append(
    el("div", { class: "filters", role: "search" }, search, direction, family, slice, config), told, split);

  let shown = flips;
  let chosen = 0;
  const unlocked = new Set();
  const haystacks = new Map();
  function haystack(flip) {
    let text = haystacks.get(flip);
    if (text === undefined) {
      const answers = [...flip.baseline.answers, ...flip.candidate.answers];
      const parts = [flip.sample_id, flip.family, flip.cluster, ...slicesOf(flip), flip.prompt, flip.target, ...answers.flatMap((one) => [one.text, one.reason])];
      text = parts.filter(Boolean).join("\n").toLowerCase();
      haystacks.set(flip, text);
    }
    return text;
  }
  let offered = "";
  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const inFamily = flips.filter((flip) => (!config.value || flip.config === config.value) && (!family.value || flip.family === family.value));
    const asked = JSON.stringify([config.value, family.value]);
    if (asked !== offered) fill(slice, inFamily.flatMap(slicesOf));
    offered = asked;
    const found = inFamily.filter((flip) => (!slice.value || slicesOf(flip).includes(slice.value)) && words.every((word) => haystack(flip).includes(word)));
    const wanted = directions.find(({ input }) => input.checked).input.value;
    directions.forEach(({ input, number }) => {
      number.textContent = grouped(found.filter((flip) => !input.value || flip.direction === input.value).length);
    });
    const before = shown[chosen];
    shown = found.filter((flip) => !wanted || flip.direction === wanted);
    chosen = Math.max(0, shown.indexOf(before));
    tell();
    list.scrollTop = 0;
    choose(chosen);
  }
  function tell() {
    const parts = [shown.length === flips.length ? counted(flips.length, "sample") : `${grouped(shown.length)} of ${counted(flips.length, "sample")}`];
    if (evidence.left_out) parts.push(`${grouped(evidence.left_out)} more did not fit`);
    if (evidence.without_texts) parts.push(`${counted(evidence.without_texts, "sample")} without texts, to keep the file small`);
    told.textContent = `${parts.join("; ")}.`;
  }

  // The list: only the rows in sight exist.
  function draw() {
    space.style.height = `${Math.max(shown.length, 1) * ROW}px`;
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 5);
    const last = Math.min(shown.length, first + Math.ceil(list.clientHeight / ROW) + 10);
    const rows = [];
    for (let place = first; place < last; place += 1) rows.push(row(shown[place], place));
    space.replaceChildren(...(shown.length ? rows : [el("p", { class: "empty" }, "No sample is like that.")]));
    list.setAttribute("aria-activedescendant", shown.length ? `flip-${chosen}` : "");
  }
  // Prompts of a family begin alike: what tells two apart comes after that.
  const alike = new Map();
  for (const { family: name, prompt } of flips) {
    if (prompt === null) continue;
    const before = alike.has(name) ? alike.get(name) : prompt.slice(0, LONGEST);
    let length = 0;
    while (length < before.length && before[length] === prompt[length]) length += 1;
    alike.set(name, before.slice(0, length));
  }
  for (const [name, text] of alike) { // whole words
    let end = text.length;
    while (end && text[end - 1].trim()) end -= 1;
    alike.set(name, text.slice(0, end));
  }
  const own = (flip) => oneLine(flip.prompt.slice(alike.get(flip.family).length) || flip.prompt).trim();
  function row(flip, place) {
    const hint = flip.harmful ? "may be harmful" : flip.prompt ? own(flip) : oneLine(Object.values(flip.slices).join(", "));
    const made = el(
      "div",
      { class: "row", role: "option", id: `flip-${place}`, "aria-selected": String(place === chosen), "aria-posinset": place + 1, "aria-setsize": shown.length, on: { click: () => { choose(place); read(); } } },
      el("div", { class: "first" }, el("span", { class: "id", dir: "ltr" }, oneLine(flip.sample_id)),
        el("span", { class: `move ${flip.direction}` }, `${points(flip.baseline.score)} \u2192 ${points(flip.candidate.score)}`)),
      el("div", { class: "second", dir: "ltr" }, `${oneLine(flip.family)}${hint ? ` \u00b7 ${hint}` : ""}`));
    made.style.top = `${place * ROW}px`;
    return made;
  }
  function choose(place) {
    chosen = Math.min(Math.max(place, 0), Math.max(0, shown.length - 1));
    const top = chosen * ROW;
    if (top < list.scrollTop) list.scrollTop = top;
    if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
    draw();
    showDetail(0);
  }
  let waiting = false;
  list.addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  });
  window.addEventListener("resize", draw);

  // The chosen sample.
  function showDetail(asking) {
    const flip = shown[chosen];
    detail.scrollTop = 0;
    if (!flip) return detail.replaceChildren(el("p", { class: "empty" }, "Nothing is chosen."));
    const tags = el("div", { class: "tags" }, el("span", { class: `tag ${flip.direction}` }, `${flip.direction} ${signed(flip.candidate.score - flip.baseline.score)}`),
      ...[flip.family, ...slicesOf(flip), flip.cluster && `cluster: ${flip.cluster}`, !config.hidden && flip.config].filter(Boolean).map((text) => el("span", { class: "tag" }, oneLine(text))));
    const parts = [
      el("button", { type: "button", class: "back", on: { click: leave } }, "\u2190 All samples"),
      el("h3", { tabindex: "-1" }, oneLine(flip.sample_id)), tags];
    if (flip.slice_only) parts.push(el("p", { class: "reason" }, "Only a slice, which was asked further, rests on this sample."));
    if (flip.harmful && !unlocked.has(flip)) parts.push(warning(flip));
    else parts.push(...texts(flip, asking));
    detail.replaceChildren(...parts);
  }
  function warning(flip) {
    const open = () => { unlocked.add(flip); showDetail(0); detail.querySelector("h3").focus(); };
    return el("div", { class: "warn" }, "Prompt and answers of this sample may be harmful: it is an attack, or what came of one.",
      el("button", { type: "button", on: { click: open } }, "Show it all the same"));
  }
  function texts(flip, asking) {
    const [before, after] = [flip.baseline, flip.candidate].map((arm) => arm.answers[Math.min(asking, arm.answers.length - 1)]);
    const marked = before && after && before.text !== null && after.text !== null ? difference(cut(before.text), cut(after.text)) : null;
    return [
      ...block("Prompt", flip.prompt), ...block("Target", flip.target), ...askings(flip, asking),
      el("div", { class: "arms" }, arm("Baseline", flip.baseline, before, marked && marked.before), arm("Candidate", flip.candidate, after, marked && marked.after)),
      marked && marked.apart ? el("p", { class: "reason" }, "The two have little in common, so no words are marked.") : null,
    ].filter(Boolean);
  }
  function block(title, text) {
    if (text === null) return [];
    return [el("h4", {}, title), pre(title, plain(cut(text)), text.length > LONGEST)];
  }
  function pre(title, content, isCut) {
    const made = el("pre", { class: "text", tabindex: "0", role: "group", "aria-label": title, dir: "auto" });
    made.append(...(Array.isArray(content) ? content : [content]));
    if (isCut) made.append(el("span", { class: "absent" }, " \u2026 the rest is in flips.json"));
    return made;
  }
  function cut(text) {
    return text.slice(0, LONGEST);
  }
  function askings(flip, asking) {
    const number = Math.max(flip.baseline.answers.length, flip.candidate.answers.length);
    if (number < 2) return [];
    const buttons = Array.from({ length: number }, (_, place) =>
      el("button", { type: "button", "aria-pressed": String(place === asking), on: { click: () => { showDetail(place); detail.querySelectorAll(".askings button")[place].focus(); } } }, String(place + 1)));
    const all = Math.max(flip.baseline.asked, flip.candidate.asked);
    return [el("div", { class: "askings" }, `Asked ${counted(all, "time")}; answer`, ...buttons)];
  }
  function arm(title, whole, answer, marked) {
    const mean = whole.asked > 1 ? `mean ${points(whole.score)}` : "";
    const head = el("h4", {}, title, el("span", { class: "score" }, [answer && answer.score !== null ? `score ${points(answer.score)}` : "no score", mean].filter(Boolean).join(", ")));
    const made = el("div", {}, head);
    if (!answer) made.append(el("p", { class: "absent" }, "No answer is kept."));
    else if (answer.text === null) made.append(el("p", { class: "absent" }, answer.cut ? "The text was left out to keep the file small." : answer.finish && answer.score === null ? `No answer: ${oneLine(answer.finish)}.` : "This report holds no texts: scores only."));
    else if (answer.text === "") made.append(el("p", { class: "absent" }, "The answer is empty."));
    else made.append(pre(`${title}'s answer`, marked || plain(cut(answer.text)), answer.cut || answer.text.length > LONGEST));
    if (answer && answer.reason) made.append(el("p", { class: "reason" }, plain(answer.reason)));
    if (answer && answer.text !== null && !["stop", ""].includes(answer.finish)) made.append(el("p", { class: "reason" }, `ended by: ${oneLine(answer.finish)}`));
    return made;
  }

  // What differs, by words: the shortest edit (Myers 1986), given up where it would be long.
  function words(text) {
    return text.match(/\s+|[\p{L}\p{N}_]+|[^]/gu) || [];
  }
  function difference(before, after) {
    const [one, other] = [words(before), words(after)];
    let start = 0;
    while (start < one.length && start < other.length && one[start] === other[start]) start += 1;
    let end = 0;
    while (end < one.length - start && end < other.length - start && one[one.length - 1 - end] === other[other.length - 1 - end]) end += 1;
    const middle = edit(one.slice(start, one.length - end), other.slice(start, other.length - end));
    const kept = start + end + (middle ? middle.kept : 0);
    if (!middle || (Math.max(one.length, other.length) > 30 && kept < 0.3 * Math.min(one.length, other.length))) return { apart: true, before: null, after: null };
    const whole = (tokens, changed) => [...tokens.slice(0, start).map((token) => [token, false]), ...changed, ...tokens.slice(tokens.length - end).map((token) => [token, false])];
    return { apart: false, before: marks(whole(one, middle.before), "del"), after: marks(whole(other, middle.after), "ins") };
  }
  function edit(one, other) {
    const [n, m] = [one.length, other.length];
    const most = Math.min(n + m, MOST_EDITS);
    const far = new Int32Array(2 * most + 3);
    const trail = [];
    for (let edits = 0; edits <= most; edits += 1) {
      trail.push(far.slice(most + 1 - edits - 1, most + 1 + edits + 2));
      for (let k = -edits; k <= edits; k += 2) {
        const at = most + 1 + k;
        let x = k === -edits || (k !== edits && far[at - 1] < far[at + 1]) ? far[at + 1] : far[at - 1] + 1;
        while (x < n && x - k < m && one[x] === other[x - k]) x += 1;
        far[at] = x;
        if (x >= n && x - k >= m) return back(one, other, trail);
      }
    }
    return null;
  }
  function back(one, other, trail) {
    const before = one.map((token) => [token, false]);
    const after = other.map((token) => [token, false]);
    let [x, y] = [one.length, other.length];
    for (let edits = trail.length - 1; edits > 0; edits -= 1) {
      const far = trail[edits];
      const at = (k) => far[k + edits + 1];
      const k = x - y;
      const down = k === -edits || (k !== edits && at(k - 1) < at(k + 1));
      const from = down ? k + 1 : k - 1;
      const [startX, startY] = [at(from), at(from) - from];
      if (down) after[startY][1] = true;
      else before[startX][1] = true;
      [x, y] = [startX, startY];
    }
    return { before, after, kept: before.filter(([token, changed]) => !changed && token.trim()).length };
  }
  function marks(tokens, tag) {
    const runs = [];
    for (const [token, changed] of tokens) {
      if (runs.length && runs[runs.length - 1][1] === changed) runs[runs.length - 1][0] += token;
      else runs.push([token, changed]);
    }
    return runs.map(([text, changed]) => (changed ? el(tag, {}, plain(text)) : plain(text)));
  }

  // Keyboard.
  function read() {
    split.classList.add("reading");
    const title = detail.querySelector("h3");
    if (title) title.focus({ preventScroll: matchMedia("(min-width: 46.01rem)").matches });
  }
  function leave() {
    split.classList.remove("reading");
    draw();
    list.focus();
  }
  const steps = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -Infinity, End: Infinity };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target instanceof Element && event.target.closest("input, select, textarea");
    const inList = event.target === list;
    if (event.key === "Escape") {
      if (event.target === search && search.value) { search.value = ""; filter(); } else if (split.contains(event.target) || typing) leave();
    } else if (event.target === search && (event.key === "Enter" || event.key === "ArrowDown")) {
      event.preventDefault();
      list.focus();
    } else if (typing) return;
    else if (event.key === "/") {
      event.preventDefault();
      search.focus();
    } else if (inList && event.key === "Enter") read();
    else if (event.key in steps && (inList || event.key.length === 1)) {
      event.preventDefault();
      if (!inList && !detail.contains(event.target)) list.focus();
      choose(chosen + steps[event.key]);
      if (detail.contains(event.target)) read();
    }
  });
  search.addEventListener("input", filter);

  // On paper the list is a plain table of what the filters leave.
  const paper = document.getElementById("flips-print");
  window.addEventListener("beforeprint", () => {
    const cells = (tag, values) => el("tr", {}, ...values.map((value) => el(tag, {}, value)));
    const rows = shown.slice(0, PRINTED).map((flip) =>
      cells("td", [oneLine(flip.sample_id), oneLine(flip.family), oneLine(slicesOf(flip).join(", ")), flip.direction, points(flip.baseline.score), points(flip.candidate.score)]));
    paper.replaceChildren(
      el("table", {}, el("thead", {}, cells("th", ["sample", "family", "slices", "direction", "baseline", "candidate"])), el("tbody", {}, ...rows)),
      el("p", { class: "soft" }, shown.length > PRINTED ? `${counted(shown.length - PRINTED, "sample")} more: see flips.json` : ""));
  });
  window.addEventListener("afterprint", () => paper.replaceChildren());

  fill(config, flips.map((flip) => flip.config || ""));
  fill(family, flips.map((flip) => flip.family));
  if (!several(flips.map((flip) => flip.config))) config.hidden = true;
  filter();
})();
