import { silent } from '../common/log.ts';
import { parseDockerSettings } from '../node/config/peer-config.ts';
import { readSources } from '../node/config/sources.ts';
import { buildImages, type ConfiguredImage, type ImageState, listImages, pruneChaincodeImages } from '../node/images.ts';
import type { Terminal } from './terminal.ts';

export async function buildAll(
  languages: readonly string[],
  { from, force = false }: { readonly from?: string; readonly force?: boolean },
  { env, out, say, signal }: Terminal,
): Promise<void> {
  const settings = parseDockerSettings(readSources(env));
  say(`Docker engine at ${settings.docker.endpoint}`);
  const onBegin = ({ image, purpose }: ConfiguredImage): void =>
    say(`making ${image}${purpose === 'golang-builder' ? ', with the standard library compiled: some minutes' : ''}`);
  const onImage = ({ image, language }: ConfiguredImage, outcome: 'present' | readonly string[]): void =>
    out(
      outcome === 'present'
        ? `${image}  is there already (--force makes it anew)`
        : `${image}  made for ${language}  ${outcome.join(', ')}`.trimEnd(),
    );
  await buildImages(settings, { languages, from, force, env, log: silent, onBegin, onImage, signal });
}

export async function listAll(json: boolean, { env, out, signal }: Terminal): Promise<void> {
  const settings = parseDockerSettings(readSources(env));
  const { engine, images } = await listImages(settings, { signal });
  if (json) return out(JSON.stringify({ endpoint: settings.docker.endpoint, engine, images }));
  out(`Docker engine ${engine.version} (API ${engine.apiVersion}, ${engine.os}/${engine.arch}) at ${settings.docker.endpoint}`);
  const rows = [['LANGUAGE', 'SETTING', 'IMAGE', 'STATE'], ...images.map(rowOf)];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows) out(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
}

export async function prune(
  { all = false, json = false }: { readonly all?: boolean; readonly json?: boolean },
  { env, out, signal }: Terminal,
): Promise<void> {
  const pruned = await pruneChaincodeImages(parseDockerSettings(readSources(env)), { all, signal });
  if (json) return out(JSON.stringify(pruned));
  const { removed, inUse, freed } = pruned;
  for (const name of removed) out(`${name}  removed`);
  for (const name of inUse) out(`${name}  kept: a container uses it`);
  const what = removed.length === 1 ? '1 image' : `${removed.length} images`;
  out(`${what} removed${freed === undefined ? '' : `, ${(freed / 1e6).toFixed(1)} MB freed`}`);
}

const rowOf = ({ language, setting, image, present, size = 0, madeHere, howToGet = '' }: ImageState): string[] => [
  language,
  setting,
  image,
  present ? `present, ${Math.round(size / 1e6)} MB${madeHere === true ? ', made by selvage' : ''}` : `missing: ${howToGet}`,
];
