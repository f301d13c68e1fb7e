import { describe, expect, it } from 'vitest';
import { utf8 } from '../common/bytes.ts';
import { common } from '../protos/messages.ts';
import { BlockFeed } from './block-feed.ts';
import { type BlockForm, CommittedBlock } from './committed-block.ts';

const never = new AbortController().signal;

const blockOf = (number: bigint, bytes = 1_000): common.Block =>
  common.Block.decode(
    common.Block.encode({
      header: { number },
      data: { data: [new Uint8Array(bytes)] },
      metadata: { metadata: [utf8(''), utf8(''), utf8('\0')] },
    }),
  );

/** A ledger of blocks, and how often each was read from it. */
class Disk {
  readonly reads: bigint[] = [];
  height: bigint;

  constructor(height: bigint) {
    this.height = height;
  }
  info = () => ({ height: this.height, currentBlockHash: utf8(''), previousBlockHash: utf8('') });
  block = async (number: bigint): Promise<common.Block | undefined> => {
    this.reads.push(number);
    return number < this.height ? blockOf(number) : undefined;
  };
}

function open({ height = 1n, keptBytes }: { readonly height?: bigint; readonly keptBytes?: number } = {}) {
  const disk = new Disk(height);
  const feed = new BlockFeed({ channelId: 'ch', blocks: disk, keptBytes });
  const commit = (): void => {
    disk.height += 1n;
    feed.announce({ block: new CommittedBlock('ch', blockOf(disk.height - 1n)), reasons: [] });
  };
  return { disk, feed, commit };
}

describe('a feed of committed blocks', () => {
  it('gives everybody the same block, whose forms are made once and which nobody reads from the disk', async () => {
    const { disk, feed, commit } = open();
    let made = 0;
    const form: BlockForm = ({ number }) => {
      made += 1;
      return utf8(String(number));
    };
    const followers = Array.from({ length: 200 }, async () => {
      await feed.waitFor(1n, new AbortController().signal);
      return (await feed.at(1n))?.form(form);
    });
    commit();
    const forms = await Promise.all(followers);
    expect(new Set(forms).size).toBe(1);
    expect([made, disk.reads]).toEqual([1, []]);
  });

  it('reads an older block from the disk, once for all who ask for it together', async () => {
    const { disk, feed } = open({ height: 5n });
    const [first, second] = await Promise.all([feed.at(2n), feed.at(2n)]);
    expect(first?.number).toBe(2n);
    expect(second).toBe(first);
    expect(await feed.at(2n)).toBe(first);
    expect(disk.reads).toEqual([2n]);
  });

  it('keeps no more than it may, and the newest in any case', async () => {
    const { disk, feed, commit } = open({ height: 0n, keptBytes: 3_100 });
    for (let number = 0; number < 10; number += 1) commit();
    for (let number = 9n; number >= 0n; number -= 1n) await feed.at(number);
    expect(disk.reads).toEqual([6n, 5n, 4n, 3n, 2n, 1n, 0n]);
    const large = open({ keptBytes: 10 });
    large.commit();
    await large.feed.at(1n);
    expect(large.disk.reads).toEqual([]);
  });

  it('shows a block only when it is announced, to those who listen before those who wait', async () => {
    const { disk, feed, commit } = open();
    disk.height += 1n; // on the ledger, and its configuration not in force yet
    expect([feed.height, await feed.at(1n)]).toEqual([1n, undefined]);
    disk.height -= 1n;
    const heard: string[] = [];
    const waiting = feed.waitFor(1n, never).then(() => heard.push('waited'));
    const listening = feed.listen(({ block }) => heard.push(`heard ${block.number}`));
    commit();
    await waiting;
    listening[Symbol.dispose]();
    commit();
    expect([heard, feed.height]).toEqual([['heard 1', 'waited'], 3n]);
  });

  it('forgets those who no longer wait, and refuses all when it is closed', async () => {
    const { feed } = open();
    const left = new AbortController();
    const patient = feed.waitFor(1n, never);
    const leaving = feed.waitFor(1n, left.signal);
    left.abort(new Error('gone'));
    await expect(leaving).rejects.toThrow('gone');
    feed.close(new Error('closed'));
    await expect(patient).rejects.toThrow('closed');
  });

  it('asks the disk again after a read that failed', async () => {
    const { disk, feed } = open({ height: 2n });
    const { block } = disk;
    disk.block = async () => Promise.reject(new Error('disk'));
    await expect(feed.at(0n)).rejects.toThrow('disk');
    disk.block = block;
    expect((await feed.at(0n))?.number).toBe(0n);
  });
});
