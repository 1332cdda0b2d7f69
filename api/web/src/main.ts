import "@fontsource-variable/inter/wght.css";
import "./styles/tokens.css";
import "./styles/base.css";

import { createApp } from "vue";

import App from "./App.vue";
import { keepFocus } from "./live/focus";
import { router } from "./router";
import { words } from "./words";

keepFocus();
createApp(App).use(words).use(router).mount("#page");
