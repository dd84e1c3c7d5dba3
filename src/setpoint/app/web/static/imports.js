// How much of a file was sent; without this, the browser itself shows that it is sending.
function watchUpload(form) {
  const line = form.querySelector(".upload");
  const bar = line.querySelector("progress");
  const words = line.querySelector("[role=status]");
  const button = form.querySelector("button");
  const megabytes = (count) => (count / 1048576).toFixed(1);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const request = new XMLHttpRequest();
    const failed = () => {
      button.disabled = false;
      bar.hidden = true;
      words.textContent =
        "The connection broke off. Load this page again: if the import is not listed below, send the file once more.";
    };
    request.open("POST", form.action);
    request.upload.addEventListener("progress", (sent) => {
      if (sent.lengthComputable) {
        bar.value = sent.loaded / sent.total;
        words.textContent = `${megabytes(sent.loaded)} of ${megabytes(sent.total)} MB sent`;
      }
    });
    request.upload.addEventListener("load", () => {
      bar.removeAttribute("value");
      words.textContent = "Sent. The rows are being taken in; you may leave, the result will be listed here.";
    });
    request.addEventListener("error", failed);
    request.addEventListener("load", () => {
      if (request.status === 200) {
        location.assign(request.responseURL);
        return;
      }
      const answered = new DOMParser().parseFromString(request.responseText, "text/html");
      const told = answered.querySelector("[role=alert]");
      if (!told) {
        document.querySelector("main").replaceWith(answered.querySelector("main") ?? words);
        return;
      }
      button.disabled = false;
      line.hidden = true;
      document.querySelectorAll("main > .success").forEach((each) => each.remove());
      document.querySelector(".tabs").after(told);
      told.scrollIntoView({ block: "center" });
    });
    document.querySelectorAll("[role=alert]").forEach((each) => each.remove());
    button.disabled = true;
    line.hidden = false;
    bar.hidden = false;
    bar.value = 0;
    request.send(new FormData(form));
  });
}

document.querySelectorAll("form[data-upload]").forEach(watchUpload);
