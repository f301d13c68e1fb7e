/** What a disk holds after a power cut: everything that was synced, and of the rest nothing, or any part. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One change that a process made, as `faults.c` logs it. */
export interface Change {
  /** Which of all that were tried; a rename is told as two. 0 for what the process was told is done. */
  readonly number: number;
  readonly kind: 'create' | 'mkdir' | 'link' | 'remove' | 'write' | 'dsync' | 'truncate' | 'sync' | 'ack';
  readonly parent: number;
  readonly inode: number;
  readonly offset: number;
  readonly bytes: Buffer;
}

/** The changes in a log, in order. */
export function changesIn(log: Buffer): Change[] {
  const changes: Change[] = [];
  for (let at = 0; at < log.length; ) {
    const end = log.indexOf(10, at);
    const [number, kind = '', first, second, offset, size] = log.subarray(at, end).toString('latin1').split(' ');
    at = end + 1 + Number(size);
    const named = kind === 'create' || kind === 'mkdir' || kind === 'link' || kind === 'remove';
    const [parent, inode] = named ? [Number(first), Number(second)] : [0, Number(first)];
    changes.push({
      number: Number(number),
      kind: kind as Change['kind'],
      parent,
      inode,
      offset: Number(offset),
      bytes: log.subarray(end + 1, at),
    });
  }
  return changes;
}

interface Inode {
  /** On the disk. */
  content: Buffer;
  entries: Map<string, number>;
  /** Not synced. */
  pending: Change[];
  isFolder: boolean;
}

/** Whether a change that was not synced reached the disk all the same. */
export type Survives = (change: Change) => boolean;

export class Disk {
  readonly #inodes = new Map<number, Inode>();
  readonly #root: number;

  /** @param root the inode of a folder that was there before the first change */
  constructor(root: number) {
    this.#root = root;
    this.#inode(root).isFolder = true;
  }

  apply(change: Change): void {
    const { kind, parent, inode } = change;
    if (kind === 'create' || kind === 'mkdir')
      this.#inodes.set(inode, { content: Buffer.alloc(0), entries: new Map(), pending: [], isFolder: kind === 'mkdir' });
    if (kind === 'create' || kind === 'mkdir' || kind === 'link' || kind === 'remove') this.#inode(parent).pending.push(change);
    if (kind === 'write' || kind === 'truncate') this.#inode(inode).pending.push(change);
    if (kind === 'dsync') settle(this.#inode(inode), change);
    if (kind === 'sync') this.#settleAll(this.#inode(inode), () => true);
  }

  /** Writes what is left after a cut here to a folder, all of it below the root. */
  async writeTo(folder: string, survives: Survives): Promise<void> {
    await this.#write(this.#root, folder, survives);
  }

  async #write(number: number, path: string, survives: Survives): Promise<void> {
    const left = copied(this.#inode(number));
    this.#settleAll(left, survives);
    if (!left.isFolder) return writeFile(path, left.content, { mode: 0o600 });
    await mkdir(path, { recursive: true, mode: 0o700 });
    for (const [name, inode] of left.entries) if (!name.startsWith('lock')) await this.#write(inode, join(path, name), survives);
  }

  #settleAll(inode: Inode, survives: Survives): void {
    for (const change of inode.pending) if (survives(change)) settle(inode, change);
    inode.pending = [];
  }

  #inode(number: number): Inode {
    const known = this.#inodes.get(number) ?? { content: Buffer.alloc(0), entries: new Map(), pending: [], isFolder: false };
    this.#inodes.set(number, known);
    return known;
  }
}

const copied = ({ content, entries, pending, isFolder }: Inode): Inode => ({
  content: Buffer.from(content),
  entries: new Map(entries),
  pending: [...pending],
  isFolder,
});

function settle(inode: Inode, { kind, inode: child, offset, bytes }: Change): void {
  const name = bytes.toString();
  if (kind === 'remove') inode.entries.delete(name);
  else if (kind === 'create' || kind === 'mkdir' || kind === 'link') inode.entries.set(name, child);
  else if (kind === 'truncate') inode.content = sized(inode.content, offset).subarray(0, offset);
  else {
    inode.content = sized(inode.content, offset + bytes.length);
    bytes.copy(inode.content, offset);
  }
}

const sized = (content: Buffer, size: number): Buffer =>
  content.length >= size ? content : Buffer.concat([content, Buffer.alloc(size - content.length)]);
