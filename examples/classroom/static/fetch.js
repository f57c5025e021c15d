// The cookie holds nothing that must be decoded. Scripts of other sites cannot read it.
function csrfToken() {
  const cookie = document.cookie.split("; ").find((cookie) => cookie.startsWith("csrftoken="));
  return cookie?.slice("csrftoken=".length) ?? "";
}

async function fetchStar(withToken) {
  const headers = { Accept: "application/json" };
  if (withToken) headers["X-CSRFToken"] = csrfToken();
  // Only to the site itself: whoever gets the token can send forms.
  const response = await fetch("/csrf/fetched/", { method: "POST", mode: "same-origin", headers });
  if (response.ok) {
    document.querySelector("#fetched").textContent = await response.json();
    return "The script got a star.";
  }
  const { detail } = await response.json();
  return `The script was refused (${response.status}): ${detail}`;
}

for (const button of document.querySelectorAll("button[data-fetch]")) {
  button.addEventListener("click", async () => {
    document.querySelector("#said").textContent = await fetchStar(button.dataset.fetch === "with-token");
  });
}
