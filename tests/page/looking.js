/** What the tests of every page ask of a page, in the page. Loaded before its own script. */
window.asking = 0;
window.asked = performance.now();
const really = window.fetch;
window.fetch = (...said) => {
  window.asking++;
  return really(...said).finally(() => {
    window.asking--;
    window.asked = performance.now();
  });
};

/** Nothing is asked of the server for a moment. */
window.settled = async () => {
  do await new Promise((done) => setTimeout(done, 30));
  while (window.asking > 0 || performance.now() - window.asked < 100);
};

const HIDES = ["hidden", "clip"];
const SCROLLS = ["auto", "scroll"];
const say = (one) => `${one.tagName.toLowerCase()}.${one.className} "${one.textContent.trim().slice(0, 40)}"`;
const mayScroll = (one) => one && (SCROLLS.includes(getComputedStyle(one).overflowX) || mayScroll(one.parentElement));

/** What cannot be read at this width. What may scroll within its own box may: tables, the plan of a room. */
window.whatIsCut = () => {
  const width = document.documentElement.clientWidth;
  const wrong = document.documentElement.scrollWidth > width ? ["the page is wider than the screen"] : [];
  for (const one of document.querySelectorAll("body *")) {
    const box = one.getBoundingClientRect();
    if (!one.checkVisibility({ visibilityProperty: true }) || box.width <= 1 || one.closest(".only-heard, .skip, svg, option")) continue;
    const style = getComputedStyle(one);
    if ((box.right > width + 1 || box.left < -1) && !mayScroll(one.parentElement)) wrong.push(`out of the screen: ${say(one)}`);
    const isWide = one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0;
    const isHigh = one.scrollHeight > one.clientHeight + 1 && one.clientHeight > 0;
    const isShortened = style.textOverflow === "ellipsis" || style.webkitLineClamp !== "none" || one.matches("input, textarea");
    const isCut = (HIDES.includes(style.overflowX) && isWide) || (HIDES.includes(style.overflowY) && isHigh);
    if (isCut && !isShortened) wrong.push(`cut: ${say(one)}`);
    if (isWide && one.matches("button, .button, summary")) wrong.push(`beyond its edge: ${say(one)}`);
  }
  return [...new Set(wrong)];
};

/** Where the focus is: whether it is seen there, and marked. Null when it is nowhere. */
window.whereFocusIs = () => {
  const one = document.activeElement;
  if (one === document.body) return null;
  const box = one.getClientRects()[0] ?? one.getBoundingClientRect(); // of a link that is broken, its first line
  const at = document.elementFromPoint(
    Math.min(innerWidth - 1, Math.max(0, box.left + box.width / 2)),
    Math.min(innerHeight - 1, Math.max(0, box.top + Math.min(box.height / 2, 20))),
  );
  const style = getComputedStyle(one);
  const isSeen = at !== null && (one.contains(at) || at.closest("label")?.control === one);
  return { said: one.outerHTML.slice(0, 160), isSeen, isMarked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
};
