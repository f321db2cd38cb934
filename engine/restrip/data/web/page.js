// Shows what `jobs` answers. Texts of jobs are only ever set as text, never as markup.
"use strict";

const GAP_MS = 1000;
const cards = new Map();
const find = (id) => document.getElementById(id);

function card(job) {
  if (!cards.has(job.id)) {
    const made = find("job").content.firstElementChild.cloneNode(true);
    made.dataset.job = job.id;
    made.querySelector("button").addEventListener("click", () => cancel(made, job.id));
    cards.set(job.id, made);
  }
  return cards.get(job.id);
}

function text(made, part, words) {
  const place = made.querySelector(part);
  if (place.textContent !== words) place.textContent = words;
  place.hidden = !words;
}

function show(job) {
  const made = card(job);
  const running = job.state === "running";
  const count = running && job.total ? `${job.done} of ${job.total} ${job.unit}` : "";
  made.dataset.state = job.state;
  text(made, "h2", job.name);
  text(made, ".words", [job.words, count, job.left].filter(Boolean).join(", "));
  text(made, ".note", job.note);
  text(made, ".error", job.error);
  text(made, ".remedy", job.remedy);
  text(made, ".id", `job ${job.id}`);
  const bar = made.querySelector("progress");
  bar.hidden = !running;
  if (job.total) { bar.max = job.total; bar.value = job.done; } else { bar.removeAttribute("value"); }
  bar.setAttribute("aria-label", `${job.name}: ${job.words}`);
  const button = made.querySelector("button");
  button.hidden = !job.stoppable;
  pictures(made, job);
  return made;
}

function pictures(made, job) {
  const place = made.querySelector(".pictures");
  const wanted = new Map(job.pictures.map((p) => [`${p.name} ${p.version}`, p]));
  for (const old of [...place.children]) if (!wanted.has(old.dataset.key)) old.remove();
  for (const [key, picture] of wanted) {
    if ([...place.children].some((old) => old.dataset.key === key)) continue;
    const address = `picture/${encodeURIComponent(job.id)}/${encodeURIComponent(picture.name)}?${picture.version}`;
    const movie = picture.kind.startsWith("video/");
    const shown = document.createElement(movie ? "video" : "img");
    if (movie) { shown.controls = true; shown.muted = true; shown.preload = "metadata"; } else { shown.alt = picture.label; }
    const figure = document.createElement("figure");
    figure.dataset.key = key;
    shown.addEventListener("error", () => { figure.hidden = true; });
    if (!movie) shown.addEventListener("click", () => figure.classList.toggle("large"));
    shown.src = address;
    const caption = document.createElement("figcaption");
    caption.textContent = picture.label;
    figure.append(shown, caption);
    place.append(figure);
  }
}

async function cancel(made, id) {
  const button = made.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch(`cancel/${encodeURIComponent(id)}`, { method: "POST" });
    if (!answer.ok) {
      const said = await answer.json().catch(() => ({ error: `The page was refused (${answer.status}).`, remedy: "" }));
      trouble(`${said.error} ${said.remedy}`);
    }
  } catch { gone(); }
  button.disabled = false;
}

function trouble(words) {
  find("trouble").textContent = words;
  find("trouble").hidden = !words;
}

function gone() {
  trouble("This page has ended. Open it again with: restrip status --web");
}

function summary(jobs) {
  const running = jobs.filter((job) => job.state === "running");
  const waiting = jobs.filter((job) => job.state === "queued").length;
  const words = [];
  if (running.length) words.push(`${running.length} running`);
  if (waiting) words.push(`${waiting} waiting`);
  find("summary").textContent = words.join(", ") || (jobs.length ? "Nothing is being rendered." : "There are no jobs.");
  const first = running.find((job) => job.total);
  document.title = first ? `${Math.floor((100 * first.done) / first.total)} % · Restrip` : "Restrip";
}

async function look() {
  try {
    const answer = await fetch("jobs");
    if (!answer.ok) throw new Error(answer.status);
    const { jobs, trouble: words } = await answer.json();
    trouble(words);
    summary(jobs);
    const shown = jobs.map(show);
    const here = find("jobs").children;
    if (shown.length !== here.length || shown.some((made, at) => here[at] !== made)) find("jobs").replaceChildren(...shown);
  } catch { gone(); }
  setTimeout(look, document.hidden ? 10 * GAP_MS : GAP_MS);
}

look();
