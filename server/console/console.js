// The console works without this script. It keeps a page fresh, in place, and gives it a keyboard. Everything that it
// shows has been made by the server: it asks for the page again and puts what has changed where it stands.
"use strict";
(() => {
  const every = 5000; // ms between two looks, where nothing tells of changes
  const late = 15000; // ms without an answer, after which the page says that it is old
  const main = document.getElementById("main");
  const lost = document.getElementById("lost");
  const said = document.getElementById("said");
  const keys = document.getElementById("keys");
  let fresh = Date.now();
  let busy = false;
  let again = false;

  const keyOf = (e) => e.getAttribute("data-key");
  const nearest = (e) => e && e.closest ? e.closest("[data-key]") : null;
  const find = (root, key) => Array.from(root.querySelectorAll("[data-key]")).find((e) => keyOf(e) === key) || null;

  // place remembers what has the focus, so that it can be found in what comes.
  function place() {
    const at = document.activeElement;
    if (!at || !main.contains(at) || at === main) return null;
    const box = nearest(at);
    const act = at.closest("[data-act]");
    return { key: box && keyOf(box), act: act && act.getAttribute("data-act"), id: at.id, summary: at.matches("summary") && at.parentElement.id };
  }

  function restore(p) {
    if (!p) return;
    const box = p.key && find(main, p.key);
    const target = (p.id && document.getElementById(p.id)) || (p.summary && main.querySelector("#" + CSS.escape(p.summary) + " > summary")) ||
      (box && ((p.act && box.querySelector(`button[data-act="${CSS.escape(p.act)}"]`)) || box.querySelector("a.open") || box.querySelector("button"))) ||
      main.querySelector(".cards a.open");
    (target || main).focus({ preventScroll: !!target });
  }

  const typing = () => {
    const at = document.activeElement;
    return at && at.matches("input:not([type=hidden]), textarea, select");
  };
  const selecting = () => {
    const s = document.getSelection();
    return s && !s.isCollapsed && main.contains(s.anchorNode);
  };

  // take puts another state of the page in place.
  function take(text) {
    const next = new DOMParser().parseFromString(text, "text/html");
    const come = next.getElementById("main");
    if (!come) return;
    if (!next.body.hasAttribute("data-here")) { location.reload(); return; }
    document.title = next.title;
    const strip = document.getElementById("strip"), other = next.getElementById("strip");
    if (strip && other) strip.replaceChildren(...other.childNodes);
    if (come.innerHTML.trim() === main.innerHTML.trim()) return;
    const known = new Set(Array.from(main.querySelectorAll("[data-key]"), keyOf));
    const open = new Set(Array.from(main.querySelectorAll("details[open]"), (e) => e.id));
    const at = place();
    const typed = new Map(Array.from(main.querySelectorAll("input[id]")).filter((e) => e.value !== e.defaultValue).map((e) => [e.id, e.value]));
    main.replaceChildren(...come.childNodes);
    typed.forEach((text, id) => { const e = document.getElementById(id); if (e) e.value = text; }); // what somebody has begun to write
    main.querySelectorAll("details").forEach((e) => { if (open.has(e.id)) e.open = true; });
    announce(Array.from(main.querySelectorAll("li.card[data-severity]")).filter((e) => !known.has(keyOf(e))));
    restore(at);
  }

  // announce tells of alerts that were not there before.
  function announce(cards) {
    for (const c of cards) c.classList.add("new");
    if (!cards.length || document.body.dataset.here !== "alerts") return;
    const words = cards.slice(0, 3).map((c) => [c.dataset.severity, c.querySelector("h3").textContent, c.querySelector(".who") ? c.querySelector(".who").textContent : ""].join(" "));
    said.textContent = (cards.length === 1 ? "New alert: " : cards.length + " new alerts: ") + words.join("; ");
  }

  function connected() {
    fresh = Date.now();
    lost.hidden = true;
  }
  function check() {
    if (Date.now() - fresh < late || document.hidden) return;
    lost.textContent = "Kelpie does not answer: what you see is as of " + new Date(fresh).toLocaleTimeString() + ".";
    lost.hidden = false;
  }

  // look asks for the page again.
  async function look() {
    if (document.hidden) return;
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.pathname + location.search, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(10000) });
      const text = await answer.text();
      if (answer.ok) {
        connected();
        if (!typing() && !selecting() && !keys.open) take(text); // nothing moves under somebody's hands
      } else check();
    } catch { check(); }
    busy = false;
    if (again) { again = false; soon(); }
  }

  let waiting = 0;
  function soon() {
    if (waiting) return;
    waiting = setTimeout(() => { waiting = 0; look(); }, 250);
  }

  // send sends a form by one of its buttons and stays where one is.
  async function send(form, button) {
    const body = new URLSearchParams(new FormData(form, button));
    const target = button.hasAttribute("formaction") ? button.formAction : form.action;
    button.disabled = true;
    try {
      const answer = await fetch(target, { method: "POST", body, headers: { Accept: "text/html" } });
      const text = await answer.text();
      const next = new DOMParser().parseFromString(text, "text/html");
      if (!answer.ok) {
        const why = next.querySelector("main p, .wrong");
        throw new Error(why ? why.textContent : answer.statusText);
      }
      const done = next.querySelector(".notice");
      said.textContent = done ? done.textContent : "Done.";
      form.reset();
      if (new URL(answer.url).pathname === location.pathname) take(text); else look();
    } catch (e) {
      button.disabled = false;
      lost.textContent = "That did not work: " + e.message;
      lost.hidden = false;
    }
  }

  document.addEventListener("submit", (e) => {
    const form = e.target;
    if (!main.contains(form) || !e.submitter || !e.submitter.dataset.act) return;
    e.preventDefault();
    send(form, e.submitter);
  });

  // The keyboard.
  function move(by) {
    const all = Array.from(main.querySelectorAll("a.open")).filter((e) => e.offsetParent);
    const box = nearest(document.activeElement);
    const at = box ? all.findIndex((e) => nearest(e) === box) : -1;
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
    if (next) { next.focus(); nearest(next).scrollIntoView({ block: "nearest" }); }
  }
  function here() {
    return nearest(document.activeElement) || main.querySelector("article.whole");
  }
  function button(act) {
    const box = here();
    return box && box.querySelector(`button[data-act="${act}"]`);
  }
  const help = () => { if (!keys.open) keys.showModal(); };
  const go = { 1: "/", 2: "/rules", 3: "/silences" };
  const reach = { t: "true", f: "false", r: "resolve", s: "silence" };
  document.addEventListener("keydown", (e) => {
    if (e.key === "Escape" && typing()) { document.activeElement.blur(); return; }
    if (e.ctrlKey || e.metaKey || e.altKey || typing() || keys.open) return;
    if (e.key === "j") move(1);
    else if (e.key === "k") move(-1);
    else if (e.key === "?") help();
    else if (go[e.key]) location.assign(go[e.key]);
    else if (e.key === "c") { const field = document.getElementById("comment"); if (field) field.focus(); else return; }
    else if (e.key === "a") { const b = button("acknowledge"); if (b) b.click(); else return; }
    else if (reach[e.key]) { const b = button(reach[e.key]); if (b) b.focus(); else return; }
    else return;
    e.preventDefault();
  });
  const helper = document.getElementById("help");
  helper.hidden = false;
  helper.addEventListener("click", help);

  // A notice is said once: a reload must not repeat it.
  if (new URLSearchParams(location.search).has("done")) history.replaceState(null, "", location.pathname);

  setInterval(look, every);
  setInterval(check, 1000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { fresh = Date.now(); look(); } });
  if (window.EventSource && document.body.dataset.here === "alerts") {
    const stream = new EventSource("/v1/stream");
    for (const name of ["opened", "updated", "resolved", "gap"]) stream.addEventListener(name, soon);
    stream.addEventListener("error", () => { if (stream.readyState === EventSource.CLOSED) stream.close(); });
    window.addEventListener("pagehide", () => stream.close());
  }
  document.documentElement.dataset.live = "true";
})();
