
// What a run is at, asked for every second while somebody looks.
{
  const shown = document.getElementById("run-state");
  const said = document.getElementById("run-said");
  const address = shown?.dataset.poll;
  let waiting = null;
  let failures = 0;

  const again = () => {
    const seconds = failures ? Math.min(15, 2 ** failures) : document.hidden ? 15 : 1;
    waiting = setTimeout(look, seconds * 1000);
  };

  const look = async () => {
    clearTimeout(waiting);
    waiting = null;
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" }, cache: "no-store" });
      // Whoever was signed out, or is no member any more, gets the page that says so.
      if (answer.redirected || answer.status === 401 || answer.status === 403 || answer.status === 404) return location.reload();
      if (!answer.ok) throw new Error(String(answer.status));
      const part = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".run-state");
      failures = 0;
      const { status, told } = part.dataset;
      // The whole page says more of what has ended: the report itself, or how to ask for it again.
      if (status === "complete" || status === "failed") return location.reload();
      if (said.textContent !== told) said.textContent = told;
      shown.replaceChildren(part);
    } catch {
      failures += 1;
    }
    again();
  };

  if (address) {
    document.addEventListener("visibilitychange", () => { if (!document.hidden && waiting !== null) look(); });
    again();
  }
}

// A question may take a while: the button says so, and is not pressed twice.
for (const form of document.querySelectorAll("form[data-busy]")) {
  form.addEventListener("submit", () => {
    const told = form.querySelector("[data-told]");
    if (told) told.textContent = form.dataset.busy;
    // The pressed button's own value is sent along: it is switched off when the form is on its way.
    setTimeout(() => { for (const button of form.querySelectorAll("button")) button.disabled = true; });
  });
}
window.addEventListener("pageshow", (shown) => { if (shown.persisted) for (const button of document.querySelectorAll("form[data-busy] button")) button.disabled = false; });
