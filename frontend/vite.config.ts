import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The dashboard is served by the `lehr` binary beside its API; during development `npm run dev` passes API
// calls on to a running server, or to the fixture (`npm run fixture`).
const API = "http://127.0.0.1:8000";

export default defineConfig({
  base: "./",
  plugins: [react()],
  build: { target: "es2022", chunkSizeWarningLimit: 500 },
  server: { proxy: { "/api": API, "/metrics": API, "/ws": { target: API, ws: true } } },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
