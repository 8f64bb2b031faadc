// Three planes by NiiVue: the CT around the spine, and the outlines where they may be seen.
"use strict";
(async () => {
  const canvas = document.getElementById("planes");
  const told = document.getElementById("viewer-told");
  try {
    const viewer = new niivue.Niivue({ backColor: [0, 0, 0, 1], show3Dcrosshair: false, isColorbar: false, logLevel: "error" });
    await viewer.attachToCanvas(canvas);
    const volumes = [{ url: canvas.dataset.ct, name: "ct.nii.gz", colormap: "gray", cal_min: -300, cal_max: 900 }];
    if (canvas.dataset.masks) volumes.push({ url: canvas.dataset.masks, name: "masks.nii.gz", colormap: "random", opacity: 0.35 });
    await viewer.loadVolumes(volumes);
    viewer.setSliceType(viewer.sliceTypeMultiplanar);
    canvas.dataset.ready = "yes";
    told.textContent = "Scroll moves through the slices, a click moves the cross, the right button sets the grey window.";
  } catch (error) {
    canvas.dataset.ready = "failed";
    told.textContent = "This browser cannot show three planes (WebGL 2 is needed). The reading page works without them.";
  }
})();
