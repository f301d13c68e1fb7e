import { type MaybePromise, whenKnown } from '../../common/maybe.ts';
import { hashedNamespace, privateNamespace } from '../simulator/private-namespaces.ts';
import type { StateSnapshot, StateUpdate, StateValue } from '../statedb/state.ts';
import { NamespaceUpdates } from './namespace-updates.ts';

/** Which part of the state: public values, hashes of a collection, or its plain values. */
export interface Space {
  readonly kind: 'public' | 'hashed' | 'private';
  readonly namespace: string;
  /** '' for public values. */
  readonly collection: string;
}

export const publicSpace = (namespace: string): Space => ({ kind: 'public', namespace, collection: '' });
export const hashedSpace = (namespace: string, collection: string): Space => ({ kind: 'hashed', namespace, collection });
export const privateSpace = (namespace: string, collection: string): Space => ({ kind: 'private', namespace, collection });

/** The state namespace of a space. */
export function stateNamespace({ kind, namespace, collection }: Space): string {
  if (kind === 'public') return namespace;
  return kind === 'hashed' ? hashedNamespace(namespace, collection) : privateNamespace(namespace, collection);
}

export interface SpaceUpdates {
  readonly space: Space;
  readonly stateNamespace: string;
  readonly updates: NamespaceUpdates;
}

/** The state before a block and what the block's valid transactions made of it so far. Committed values are read once. */
export class PendingState {
  readonly snapshot: StateSnapshot;
  readonly #spaces = new Map<string, SpaceUpdates>();
  readonly #committed = new Map<string, Map<string, StateValue | undefined>>();

  constructor(snapshot: StateSnapshot) {
    this.snapshot = snapshot;
  }

  /** Updates by space, in the order the spaces were first written; none is empty. */
  get spaces(): readonly SpaceUpdates[] {
    return [...this.#spaces.values()].filter(({ updates }) => updates.size > 0);
  }

  updatesOf(space: Space): NamespaceUpdates | undefined {
    return this.#spaces.get(stateNamespace(space))?.updates;
  }

  /** The updates of a space, to add to. */
  writable(space: Space): NamespaceUpdates {
    const name = stateNamespace(space);
    const known = this.#spaces.get(name) ?? { space, stateNamespace: name, updates: new NamespaceUpdates() };
    this.#spaces.set(name, known);
    return known.updates;
  }

  /** The values before the block. */
  committed(space: Space, keys: readonly string[]): MaybePromise<ReadonlyMap<string, StateValue | undefined>> {
    const name = stateNamespace(space);
    const known = this.#committed.get(name) ?? new Map<string, StateValue | undefined>();
    this.#committed.set(name, known);
    const unknown = keys.filter((key) => !known.has(key));
    if (unknown.length === 0) return known;
    return whenKnown(this.snapshot.getMany(name, unknown), (values) => {
      for (const [at, key] of unknown.entries()) known.set(key, values[at]);
      return known;
    });
  }

  /** Everything the block does to the state, each key once. */
  stateUpdates(): StateUpdate[] {
    return this.spaces.flatMap(({ stateNamespace: namespace, updates }) =>
      updates.keys().map((key) => ({ namespace, key, value: updates.get(key)?.value })),
    );
  }
}
