import type { Cancellable } from '../../common/cancel.ts';
import type { DockerEngine } from './engine.ts';
import { statusOf } from './engine-failure.ts';
import { type PeerName, vmNames } from './names.ts';
import { LABELS, peerLabel } from './traces.ts';

export interface PruneOptions extends Cancellable {
  readonly engine: DockerEngine;
  readonly peer: PeerName;
  /** Chaincode whose images stay, by `name:version` or package id; absent: none stays. */
  readonly installed?: readonly string[];
}

export interface PrunedImages {
  /** Names of images, in order. */
  readonly removed: readonly string[];
  /** Images that a container uses, which nobody may take from it. */
  readonly inUse: readonly string[];
  /** Bytes, when the engine says what its images take. */
  readonly freed: number | undefined;
}

/**
 * Removes images of chaincode that this peer built and no installed chaincode needs. Those of other peers, and what bears none of our
 * labels, are not touched. A chaincode whose image is gone is built again when it is launched.
 * @throws {SelvageError} `DOCKER_UNAVAILABLE`, `DOCKER_REFUSED`
 */
export async function pruneImages({ engine, peer, installed = [], signal }: PruneOptions): Promise<PrunedImages> {
  const wanted = new Set(installed.map((ccid) => `${vmNames(peer, ccid).image}:latest`));
  const before = await engine.imageBytes({ signal });
  const found = await engine.images({ labels: [peerLabel(peer), LABELS.content], dangling: false }, { signal });
  const names = found.flatMap(({ tags }) => tags).filter((tag) => !wanted.has(localName(tag)));
  const removed: string[] = [];
  const inUse: string[] = [];
  for (const name of names.sort()) ((await remove(engine, name, signal)) ? removed : inUse).push(name);
  const after = await engine.imageBytes({ signal });
  return { removed, inUse, freed: before === undefined || after === undefined ? undefined : Math.max(0, before - after) };
}

/** Podman puts `localhost/` before names without a registry. */
const localName = (tag: string): string => tag.replace(/^localhost\//, '');

async function remove(engine: DockerEngine, name: string, signal: AbortSignal): Promise<boolean> {
  try {
    await engine.removeImage(name, { signal, force: false });
    return true;
  } catch (thrown) {
    if (statusOf(thrown) !== 409) throw thrown;
    return false;
  }
}
