// Django's cookie, and the header in which it wants the token back. The cookie holds nothing that must be decoded.
// Where scripts cannot read it, or the session keeps the secret, the page has the token.
function csrfToken() {
  const meta = document.querySelector("meta[name=csrf-token]");
  if (meta) return meta.content;
  const cookie = document.cookie.split("; ").find((cookie) => cookie.startsWith("csrftoken="));
  return cookie?.slice("csrftoken=".length);
}

async function keep(text) {
  const response = await fetch("/api/note/", {
    method: "POST",
    // Only to the site itself: whoever gets the token can send forms.
    mode: "same-origin",
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrfToken() },
    body: JSON.stringify({ text }),
  });
  if (response.status === 403) {
    const refusal = await response.json();
    return `refused: ${refusal.error}`;
  }
  return response.ok ? `kept: ${(await response.json()).text}` : `failed: ${response.status}`;
}

document.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  document.querySelector("output").textContent = await keep(new FormData(event.target).get("text"));
});
