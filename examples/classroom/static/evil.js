// What a page of somebody else's can do by script: send a form like its button's. It may not read the answer.
document.querySelector("#script").addEventListener("click", async (event) => {
  const send = (view) =>
    fetch(`${event.target.dataset.classroom}/csrf/${view}/`, {
      method: "POST",
      mode: "no-cors",
      credentials: "include",
      body: new URLSearchParams({ star: "gold" }),
    });
  const answers = await Promise.allSettled(["checked", "protected", "exempt"].map(send));
  const sent = answers.filter((answer) => answer.status === "fulfilled").length;
  document.querySelector("#said").textContent = `${sent} of 3 were sent. What came back, this script may not read.`;
});
