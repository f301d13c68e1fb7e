import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { SelvageError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import type { ContainerFacts, DockerEngine } from './engine.ts';
import type { PeerName } from './names.ts';

/** Keys of the labels on all that we make. */
export const LABELS = {
  /** Which peer made it: `networkId/peerId`. */
  peer: 'selvage.peer',
  /** Which process of that peer: host, process id and when it started. */
  process: 'selvage.process',
  /** Which launch or build it belongs to. */
  work: 'selvage.work',
  /** On a finished image: what it was made of, 64 hex characters. */
  content: 'selvage.content',
  /** On images that `selvage images build` made: what for. */
  image: 'selvage.image',
} as const;

/** For cleaning up, milliseconds: it goes on although the caller has left. */
const CLEAN_MS = 30_000;

export interface TracesParts {
  readonly engine: DockerEngine;
  readonly peer: PeerName;
  readonly log: Logger;
}

/** One launch or build, and everything in the engine that carries its label. */
export interface Trace {
  readonly labels: Readonly<Record<string, string>>;
  /** Removes its containers and nameless images. What an engine that is gone does not let us remove is removed later. Never rejects. */
  clear(): Promise<void>;
}

/** Finds again what this peer left in the engine: things that a lost engine kept, or that a killed peer could not remove. */
export class Traces {
  readonly #parts: TracesParts;
  readonly #owned: Readonly<Record<string, string>>;
  readonly #left = new Set<string>();

  constructor(parts: TracesParts) {
    this.#parts = parts;
    this.#owned = { [LABELS.peer]: `${parts.peer.networkId}/${parts.peer.peerId}`, [LABELS.process]: thisProcess() };
  }

  begin(): Trace {
    const work = randomUUID();
    return { labels: { ...this.#owned, [LABELS.work]: work }, clear: () => this.#clear(work) };
  }

  /** Tries again to remove what could not be removed before. @throws {SelvageError} when the engine still refuses */
  async retry(): Promise<void> {
    for (const work of this.#left) {
      await this.#remove(`${LABELS.work}=${work}`, () => true);
      this.#left.delete(work);
    }
  }

  /**
   * Removes what earlier processes of this peer left behind; those that still run on this machine keep what they have.
   * @throws {SelvageError} when the engine does not answer or refuses
   */
  async sweep(): Promise<void> {
    const removed = await this.#remove(peerLabel(this.#parts.peer), (labels) => isOver(labels[LABELS.process] ?? ''));
    if (removed > 0) this.#parts.log.info('removed what an earlier run of this peer left in the Docker engine', { removed });
  }

  async #clear(work: string): Promise<void> {
    try {
      await this.#remove(`${LABELS.work}=${work}`, () => true);
    } catch (thrown) {
      this.#left.add(work);
      this.#parts.log.warn('left in the Docker engine for now', { reason: SelvageError.from(thrown).message });
    }
  }

  async #remove(label: string, wanted: (labels: ContainerFacts['labels']) => boolean): Promise<number> {
    const { engine } = this.#parts;
    const signal = AbortSignal.timeout(CLEAN_MS);
    const containers = (await engine.containers({ labels: [label] }, { signal })).filter(({ labels }) => wanted(labels));
    await Promise.all(containers.map(({ id }) => engine.remove(id, { signal })));
    const images = (await engine.images({ labels: [label], dangling: true }, { signal })).filter(({ labels }) => wanted(labels));
    for (const { id } of images) await engine.removeImage(id, { signal });
    return containers.length + images.length;
  }
}

/** This process, as its label says. */
export const thisProcess = (): string => `${hostname()}/${process.pid}/${Math.round(performance.timeOrigin)}`;

/** What a peer's label says. */
export const peerLabel = ({ networkId, peerId }: PeerName): string => `${LABELS.peer}=${networkId}/${peerId}`;

/** Whether a process, named as by {@link thisProcess}, has ended. What ran on another machine cannot be looked at: then it has not. */
function isOver(name: string): boolean {
  const [host, pid] = name.split('/');
  if (host !== hostname() || name === thisProcess()) return false;
  if (Number(pid) === process.pid) return true; // our number, another start: that one is gone
  try {
    return !process.kill(Number(pid), 0);
  } catch (thrown) {
    return !(thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM');
  }
}
