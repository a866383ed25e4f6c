/* Divides a case between two models; a native slider, so it works by keyboard. */
(() => {
  "use strict";
  document.querySelectorAll(".cb-case").forEach((figure) => {
    const slider = figure.querySelector("input[type=range]");
    if (!slider) return;
    const move = () => figure.style.setProperty("--cut", `${slider.value}%`);
    slider.addEventListener("input", move);
    move();
    figure.querySelectorAll("select[data-side]").forEach((menu) => {
      menu.addEventListener("change", () => {
        figure.querySelector(`path.${menu.dataset.side}`).setAttribute("d", menu.selectedOptions[0].dataset.path);
      });
    });
  });
})();
