import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { QueryClientProvider } from "@tanstack/react-query";
import { adoptTokenFromUrl } from "./api/client";
import { queryClient } from "./api/queries";
import { startDevice } from "./lib/device";
import { App } from "./shell/App";
import "./tokens.css";
import "./base.css";
import "./components/components.css";
import "./shell/shell.css";

adoptTokenFromUrl();
startDevice();

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element #root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
