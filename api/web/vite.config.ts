import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

const api = process.env.PPM_API ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [vue()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // the policy of the page allows no data: but pictures
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": api, "/ws": { target: api, ws: true } } },
});
