/** What is looked at is read again when the feed tells that it changed: soon, and not for each of many changes. */
import { onBeforeUnmount } from "vue";

import { listen, type Message } from "./feed";

const SETTLE_MS = 400;

export function useFresh(reload: () => unknown, wants: (message: Message) => boolean): void {
  let timer = 0;
  const unheard = listen((message) => {
    if (timer || !(message.type === "reload" || wants(message))) return;
    timer = window.setTimeout(() => {
      timer = 0;
      reload();
    }, SETTLE_MS);
  });
  onBeforeUnmount(() => {
    unheard();
    clearTimeout(timer);
  });
}
