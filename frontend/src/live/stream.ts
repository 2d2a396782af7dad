// One WebSocket per channel (each has its own rhythm), reconnecting with backoff and resuming at the last
// tick that the state contains. Messages are gathered and applied once per animation frame.

import { apiUrl, token, withQuery } from "../api/client";
import { CHANNELS, EMPTY, mergePanes, reduce, type Channel, type LiveState, type Message } from "./reducer";
import { Pace } from "./pace";
import type { PaneRow } from "../api/types";

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MOST_MS = 15_000;
/** The server sends a heartbeat every 15 s: two missed ones mean that the line is dead. */
const SILENCE_MS = 35_000;
/** Hidden pages get no animation frames; their messages are applied this often. */
const HIDDEN_APPLY_MS = 1_000;
/** A page that cannot keep up drops its queue and takes a fresh snapshot instead. */
const QUEUE_MOST = 5_000;

/** The server closes with this code when the token was taken back: trying again is of no use. */
const TOKEN_REVOKED = 4401;

export interface Connection {
  /** True once every channel has a snapshot and is connected. */
  connected: boolean;
  /** Wall time of the last message of any channel. */
  lastMessage: number | null;
  /** Reconnection attempts since the last success, of the worst channel. */
  attempts: number;
}

interface Link {
  channel: Channel;
  socket: WebSocket | null;
  open: boolean;
  attempts: number;
  retry: ReturnType<typeof setTimeout> | undefined;
  silence: ReturnType<typeof setTimeout> | undefined;
}

export class FrameStream {
  private state: LiveState = EMPTY;
  private connection: Connection = { connected: false, lastMessage: null, attempts: 0 };
  private readonly links: Link[] = CHANNELS.map((channel) => ({
    channel,
    socket: null,
    open: false,
    attempts: 0,
    retry: undefined,
    silence: undefined,
  }));
  /** Called when the server says that the token no longer holds. */
  onRevoked: (() => void) | null = null;
  private readonly listeners = new Set<() => void>();
  private queue: Message[] = [];
  private scheduled = false;
  private running = false;
  private intervals: Record<Channel, number> = { sensors: 5_000, predictions: 5_000, alerts: 0, recommendations: 0, quality: 5_000 };
  private readonly pace = new Pace();
  /** Wall time at which values of sensors last came in. */
  private sensorsCame = 0;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly snapshot = (): LiveState => this.state;
  readonly connectionSnapshot = (): Connection => this.connection;

  start(intervals: Partial<Record<Channel, number>> = {}): void {
    const next = { ...this.intervals, ...intervals };
    const changed = CHANNELS.filter((channel) => next[channel] !== this.intervals[channel]);
    this.intervals = next;
    if (!this.running) {
      this.running = true;
      window.addEventListener("online", this.wake);
      for (const link of this.links) this.open(link);
      return;
    }
    for (const link of this.links) if (changed.includes(link.channel)) this.reopen(link);
  }

  stop(): void {
    this.running = false;
    window.removeEventListener("online", this.wake);
    for (const link of this.links) this.close(link);
    this.publishConnection();
  }

  /** Panes fetched otherwise (the trend before the page was opened). Live rows hold where both exist. */
  seedPanes(rows: readonly PaneRow[]): void {
    const live = [...this.state.panes.values()].flat();
    this.state = { ...this.state, panes: mergePanes(mergePanes(this.state.panes, rows, []), live, []) };
    this.emit();
  }

  /** Plant time now, carried on from the last message; it stands still while disconnected. */
  plantNow(): number | null {
    return this.connection.connected ? this.pace.at(Date.now()) : this.pace.lastPlant();
  }

  /**
   * The plant time against which the values of sensors are judged: that of their newest frame, because they come at
   * their own rhythm. When frames stay away, the source is silent, and plant time itself is what counts.
   */
  sensorNow(): number | null {
    const { sensorsAt } = this.state;
    const fresh = sensorsAt !== null && Date.now() - this.sensorsCame < SILENCE_MS;
    return fresh ? Date.parse(sensorsAt) : this.plantNow();
  }

  private readonly wake = () => {
    for (const link of this.links) if (!link.open) this.reopen(link);
  };

  private reopen(link: Link): void {
    this.close(link);
    this.open(link);
  }

  private close(link: Link): void {
    clearTimeout(link.retry);
    clearTimeout(link.silence);
    link.open = false;
    const socket = link.socket;
    link.socket = null;
    socket?.close();
  }

  private open(link: Link): void {
    if (!this.running) return;
    const resume = this.state.ticks[link.channel];
    const url = withQuery(apiUrl("ws").replace(/^http/, "ws"), {
      channels: link.channel,
      interval_ms: this.intervals[link.channel],
      resume,
      token: token(),
    });
    const socket = new WebSocket(url);
    link.socket = socket;
    this.watch(link);
    socket.onmessage = (event) => {
      if (link.socket !== socket) return;
      link.open = true;
      link.attempts = 0;
      this.watch(link);
      this.take(String(event.data));
    };
    socket.onclose = (event) => {
      if (link.socket !== socket) return;
      if (event.code === TOKEN_REVOKED) {
        this.stop();
        this.onRevoked?.();
      } else this.lost(link);
    };
  }

  private watch(link: Link): void {
    clearTimeout(link.silence);
    link.silence = setTimeout(() => {
      this.close(link);
      this.lost(link);
    }, SILENCE_MS);
  }

  private lost(link: Link): void {
    this.close(link);
    if (!this.running) return;
    link.attempts += 1;
    const backoff = Math.min(BACKOFF_MOST_MS, BACKOFF_FIRST_MS * 2 ** (link.attempts - 1));
    // Spread over half the wait, so that all screens of a plant do not come back in the same instant.
    link.retry = setTimeout(() => this.open(link), backoff * (0.75 + Math.random() * 0.5));
    this.publishConnection();
  }

  private take(text: string): void {
    let message: Message;
    try {
      message = JSON.parse(text) as Message;
    } catch {
      return;
    }
    this.queue.push(message);
    if (this.queue.length > QUEUE_MOST) {
      this.queue = [];
      this.state = { ...this.state, ticks: EMPTY.ticks };
      for (const link of this.links) this.reopen(link);
      return;
    }
    if (this.scheduled) return;
    this.scheduled = true;
    if (document.hidden) setTimeout(this.apply, HIDDEN_APPLY_MS);
    else requestAnimationFrame(this.apply);
  }

  private readonly apply = () => {
    this.scheduled = false;
    const messages = this.queue;
    this.queue = [];
    const before = this.state;
    for (const message of messages) this.state = reduce(this.state, message);
    const wall = Date.now();
    if (this.state.sensorsAt !== before.sensorsAt) this.sensorsCame = wall;
    if (this.state.now !== null) this.pace.note(wall, Date.parse(this.state.now));
    this.publishConnection(wall);
    this.emit();
  };

  private publishConnection(lastMessage = this.connection.lastMessage): void {
    const next: Connection = {
      connected: this.running && this.links.every((link) => link.open),
      lastMessage,
      attempts: Math.max(...this.links.map((link) => link.attempts)),
    };
    const same =
      next.connected === this.connection.connected &&
      next.attempts === this.connection.attempts &&
      next.lastMessage === this.connection.lastMessage;
    if (same) return;
    this.connection = next;
    this.emit();
  }

  private emit(): void {
    for (const listener of this.listeners) listener();
  }
}

export const stream = new FrameStream();
