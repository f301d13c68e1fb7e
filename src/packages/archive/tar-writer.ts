import { Readable } from 'node:stream';
import { type Pack, pack } from 'tar-stream';
import { deferred } from '../../common/deferred.ts';

/** One entry of a tar. Owner is root, times are zero. */
export type TarEntry = { readonly name: string; readonly mode?: number } & (
  | { readonly content: Uint8Array }
  | { readonly size: number; readonly open: () => Readable }
  | { readonly linkTo: string }
  | { readonly folder: true }
);

type HeaderOf = Parameters<Pack['entry']>[0];

/**
 * A tar as a stream that is made while it is read, so that its files never lie in memory whole. It fails when an entry's own
 * stream fails or has another size than was said; destroying it closes the file that is being read.
 */
export function writeTar(entries: Iterable<TarEntry> | AsyncIterable<TarEntry>): Readable {
  const archive = pack();
  const write = async (): Promise<void> => {
    for await (const entry of entries) await put(archive, entry);
    archive.finalize();
  };
  write().catch((thrown: unknown) => archive.destroy(thrown instanceof Error ? thrown : new Error(String(thrown))));
  return Readable.from(archive, { objectMode: false });
}

async function put(archive: Pack, entry: TarEntry): Promise<void> {
  const { name, mode = 'folder' in entry ? 0o755 : 0o644 } = entry;
  const header = { name, mode, mtime: new Date(0) };
  if ('content' in entry) archive.entry(header, Buffer.from(entry.content));
  else if ('linkTo' in entry) archive.entry({ ...header, type: 'symlink' as const, linkname: entry.linkTo });
  else if ('folder' in entry) archive.entry({ ...header, type: 'directory' as const });
  else await putFile(archive, { ...header, size: entry.size }, entry.open());
}

async function putFile(archive: Pack, header: HeaderOf, content: Readable): Promise<void> {
  const { promise: done, resolve, reject } = deferred<void>();
  const sink = archive.entry(header, (failure) => (failure ? reject(failure) : resolve()));
  sink.on('error', () => undefined); // told to the callback
  done.catch(() => undefined); // heard below, or the archive is gone
  try {
    for await (const chunk of content) {
      if (!sink.write(chunk)) await Promise.race([drained(sink), done]);
    }
  } finally {
    content.destroy();
  }
  sink.end(null);
  await done;
}

const drained = (sink: ReturnType<Pack['entry']>): Promise<void> => new Promise((resolve) => sink.once('drain', resolve));
