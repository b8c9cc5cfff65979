import { BtyError, toBtyError } from '@bty/wire-types';
import { objectionLines, planLines } from '../cli/flash-plan.js';
import type { LookedAt } from '../cli/local-flash.js';
import type { Clock } from '../clock/clock.js';
import { RateMeter } from '../engine/rate-meter.js';
import { KeyReader } from './keys.js';
import { Painter } from './painter.js';
import type { Terminal } from './terminal.js';
import type { AgentWork, TuiChoice, TuiEffect, TuiEvent, TuiState } from './tui-state.js';
import { update } from './tui-update.js';
import { viewTui } from './tui-view.js';
import { lookup, type TuiWorld } from './tui-world.js';

/** What is known before anything was looked up. */
export interface TuiFacts {
  version: string;
  origin: string;
  root: boolean;
  canReboot: boolean;
  quitTo: string | undefined;
  /** A line to show until the first key. */
  notice?: string;
}

const TICK_MS = 500;
const ESCAPE_MS = 150;
// Kernel messages write over a console's screen; now and then everything is drawn anew.
const REPAINT_MS = 30_000;
const PROGRESS_MS = 200;

/** One terminal, what it shows, and what is being typed on it. */
interface Seat {
  terminal: Terminal;
  painter: Painter;
  keys: KeyReader;
}

/** The terminal UI on one or several terminals, which all show the same. */
export class Tui {
  #state: TuiState;
  readonly #seats: Seat[] = [];
  readonly #ended = Promise.withResolvers<void>();
  #looked: LookedAt | undefined;
  #looking = new AbortController();
  #flashing: { abort: AbortController; over: Promise<void> } | undefined;
  #paintedMs: number;

  constructor(
    facts: TuiFacts,
    private readonly world: TuiWorld,
    private readonly clock: Clock,
  ) {
    const lists = { images: undefined, disks: undefined, imageCursor: 0, diskCursor: 0 };
    this.#state = { notice: '', ...facts, ...lists, step: { screen: 'images' }, agent: undefined };
    this.#paintedMs = clock.nowMs();
  }

  /** Shows itself on one more terminal, and takes its keys. */
  attach(terminal: Terminal): void {
    const seat = { terminal, painter: new Painter(terminal.writeAll), keys: new KeyReader() };
    this.#seats.push(seat);
    let cancel: () => void = () => undefined;
    terminal.onText((text) => {
      cancel();
      this.#press(seat.keys.feed(text));
      if (seat.keys.begun) cancel = this.clock.after(ESCAPE_MS, () => this.#press(seat.keys.flush()));
    });
    terminal.onResize(() => {
      seat.painter.forget();
      this.#draw();
    });
    this.#draw();
  }

  /** Resolves when the person leaves, or the signal says so; a flash is ended first, and the terminals given back. */
  async run(stop: AbortSignal): Promise<void> {
    this.#carryOut({ type: 'load-images' });
    let cancel: () => void = () => undefined;
    const tick = (): void => {
      this.#tell({ type: 'tick', nowMs: this.clock.nowMs() });
      cancel = this.clock.after(TICK_MS, tick);
    };
    tick();
    stop.addEventListener('abort', () => this.#ended.resolve(), { once: true });
    await this.#ended.promise;
    cancel();
    this.#looking.abort();
    this.#flashing?.abort.abort(new BtyError('CANCELLED', 'bty was told to stop'));
    await this.#flashing?.over;
    for (const { terminal, painter } of this.#seats) {
      await painter.idle();
      await terminal.close();
    }
  }

  /** Tells what the agent does beside the person. */
  showAgent(work: AgentWork): void {
    this.#tell({ type: 'agent', work });
  }

  #press(keys: ReturnType<KeyReader['feed']>): void {
    for (const key of keys) this.#tell({ type: 'key', key });
  }

  #tell(event: TuiEvent): void {
    const { state, effects } = update(this.#state, event);
    this.#state = state;
    for (const effect of effects) this.#carryOut(effect);
    this.#draw();
  }

  #draw(): void {
    if (this.clock.nowMs() - this.#paintedMs >= REPAINT_MS) this.#forget();
    for (const { terminal, painter } of this.#seats) {
      const { columns, rows } = terminal.size();
      painter.paint(viewTui(this.#state, columns, rows));
    }
  }

  #forget(): void {
    this.#paintedMs = this.clock.nowMs();
    for (const { painter } of this.#seats) painter.forget();
  }

  #carryOut(effect: TuiEffect): void {
    switch (effect.type) {
      case 'load-images':
        void lookup(() => this.world.images(this.#looking.signal)).then((images) =>
          this.#tell({ type: 'images', images }),
        );
        break;
      case 'load-disks':
        void lookup(() => this.world.disks()).then((disks) => this.#tell({ type: 'disks', disks }));
        break;
      case 'plan':
        void this.#plan(effect.choice);
        break;
      case 'forget-plan':
        this.#looking.abort(new BtyError('CANCELLED', 'the person went back'));
        this.#looking = new AbortController();
        void this.#closeLooked();
        break;
      case 'flash':
        this.#flash();
        break;
      case 'stop-flash':
        this.#flashing?.abort.abort(new BtyError('CANCELLED', 'stopped at the keyboard'));
        break;
      case 'reboot':
        this.world.reboot().catch((error: Error) => {
          this.#tell({ type: 'finished', done: true, lines: [`This machine did not reboot: ${error.message}`] });
        });
        break;
      case 'redraw':
        this.#forget();
        break;
      case 'quit':
        this.#ended.resolve();
    }
  }

  async #plan(choice: TuiChoice): Promise<void> {
    const { signal } = this.#looking;
    try {
      const looked = await this.world.look(choice, signal);
      if (signal.aborted) return await looked.close();
      this.#looked = looked;
      const { facts, target, changes } = looked;
      const refused = target.objections.length > 0;
      // Why not comes first: it must not be what has no room.
      const lines = [...objectionLines(target), ...planLines(facts, target, changes)];
      this.#tell({ type: 'planned', lines, refused });
    } catch (error) {
      if (signal.aborted) return;
      this.#tell({ type: 'planned', lines: toBtyError(error).message.split('\n'), refused: true });
    }
  }

  async #closeLooked(): Promise<void> {
    const looked = this.#looked;
    this.#looked = undefined;
    await looked?.close();
  }

  #flash(): void {
    const looked = this.#looked;
    if (looked === undefined) return;
    this.#looked = undefined;
    const abort = new AbortController();
    const over = this.#carryFlash(looked, abort.signal).finally(() => {
      this.#flashing = undefined;
    });
    this.#flashing = { abort, over };
  }

  async #carryFlash(looked: LookedAt, signal: AbortSignal): Promise<void> {
    let meter = new RateMeter();
    let toldMs = Number.NEGATIVE_INFINITY;
    const told = {
      stage: (stage: Parameters<Parameters<TuiWorld['flash']>[1]['stage']>[0]) => {
        meter = new RateMeter();
        this.#tell({ type: 'stage', stage, nowMs: this.clock.nowMs() });
      },
      progress: (bytesDone: number, bytesTotal: number) => {
        const nowMs = this.clock.nowMs();
        const bytesPerSecond = meter.sample(bytesDone, nowMs);
        if (nowMs - toldMs < PROGRESS_MS) return;
        toldMs = nowMs;
        this.#tell({ type: 'progress', bytesDone, bytesTotal, bytesPerSecond, nowMs });
      },
      synced: () => undefined,
      partprobed: () => undefined,
    };
    try {
      const lines = await this.world.flash(looked, told, signal);
      this.#tell({ type: 'finished', done: true, lines });
    } catch (error) {
      this.#tell({ type: 'finished', done: false, lines: toBtyError(error).message.split('\n') });
    }
  }
}
