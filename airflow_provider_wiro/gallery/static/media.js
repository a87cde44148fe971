// What plays. A source that cannot be loaded gives way to the next one; after the last one the tile says what there is.

import { element } from "./element.js";

const KINDS = {
  video: { controls: true, preload: "metadata", playsInline: true },
  audio: { controls: true, preload: "none" },
  image: { loading: "lazy", decoding: "async" },
};

export function played(output, label) {
  const sources = output.sources.filter((each) => each.startsWith("media?") || /^https?:\/\//i.test(each));
  if (output.text) return element("pre", { className: "words", tabIndex: 0, ariaLabel: label }, output.text);
  if (!(output.kind in KINDS) || sources.length === 0) return element("p", {}, unplayed(output));
  const medium = element(output.kind === "image" ? "img" : output.kind, KINDS[output.kind]);
  if (output.kind === "image") medium.alt = label;
  else medium.setAttribute("aria-label", label);
  const tryNext = () => {
    const source = sources.shift();
    if (source === undefined) medium.replaceWith(element("p", {}, gone(output)));
    else medium.src = source;
  };
  medium.addEventListener("error", tryNext);
  tryNext();
  return medium;
}

function unplayed(output) {
  if (output.saved) return `${output.name} is saved, and not played here.`;
  return output.url ? `${output.name} is no image, video or audio.` : "There is nothing to play.";
}

function gone(output) {
  if (output.streamed) return `${output.name} cannot be loaded, neither from where it is saved nor from Wiro.`;
  return output.saved
    ? "Wiro no longer has this file: its link has expired. It is saved, at the place below."
    : "Wiro no longer has this file: its link has expired.";
}
