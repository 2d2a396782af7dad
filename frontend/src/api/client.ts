// One place that talks HTTP: adds the token, reads errors in the API's shape, bounds the wait.

/** No answer of the API may take longer; the slowest allowed one is a SQL query of ten seconds. */
const TIMEOUT_MS = 20_000;

const TOKEN_KEY = "lehr.token";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field?: string,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** Takes a token from the link (`?token=`), keeps it, and takes it out of the address and the history. */
export function adoptTokenFromUrl(): void {
  const url = new URL(window.location.href);
  const token = url.searchParams.get("token");
  if (token === null) return;
  if (token !== "") keepToken(token);
  url.searchParams.delete("token");
  window.history.replaceState(null, "", url.pathname + url.search + url.hash);
}

export function token(): string | null {
  return localStorage.getItem(TOKEN_KEY);
}

export function keepToken(value: string): void {
  localStorage.setItem(TOKEN_KEY, value);
}

export function forgetToken(): void {
  localStorage.removeItem(TOKEN_KEY);
}

/** The address of an API path; the dashboard may be served below a prefix. */
export function apiUrl(path: string): string {
  return new URL(path.replace(/^\//, ""), document.baseURI.split("#")[0]).toString();
}

export type Query = Record<string, string | number | boolean | null | undefined>;

export function withQuery(path: string, query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") params.set(name, String(value));
  }
  const text = params.toString();
  return text === "" ? path : `${path}?${text}`;
}

async function failure(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => "");
  try {
    const { error } = JSON.parse(text) as { error: { code?: string; message?: string; field?: string } };
    return new ApiError(response.status, error.code ?? "error", error.message ?? response.statusText, error.field);
  } catch {
    return new ApiError(response.status, "error", text.slice(0, 300) || response.statusText || `status ${response.status}`);
  }
}

async function answered(method: string, path: string, accept: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { accept };
  const bearer = token();
  if (bearer !== null) headers.authorization = `Bearer ${bearer}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  const limits = [AbortSignal.timeout(TIMEOUT_MS), ...(signal ? [signal] : [])];
  let response: Response;
  try {
    response = await fetch(apiUrl(path), {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.any(limits),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    const timedOut = error instanceof DOMException && error.name === "TimeoutError";
    throw new ApiError(0, timedOut ? "timeout" : "unreachable", timedOut ? "no answer in time" : "the server cannot be reached");
  }
  if (!response.ok) throw await failure(response);
  return response;
}

async function send<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  return (await answered(method, path, "application/json", body, signal)).json() as Promise<T>;
}

export const api = {
  get: <T>(path: string, query?: Query, signal?: AbortSignal) => send<T>("GET", withQuery(path, query), undefined, signal),
  post: <T>(path: string, body: unknown, signal?: AbortSignal) => send<T>("POST", path, body, signal),
  put: <T>(path: string, body: unknown) => send<T>("PUT", path, body),
  del: <T>(path: string, body?: unknown) => send<T>("DELETE", path, body),
  /** What is no JSON: an element that asks by itself would send no token. */
  file: async (path: string, type: string, signal?: AbortSignal) => (await answered("GET", path, type, undefined, signal)).blob(),
};

/** The answer, or `without` where the server has nothing under that path. */
export async function orWithout<T>(answer: Promise<T>, without: T): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return without;
    throw error;
  }
}
