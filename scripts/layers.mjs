/** Writes each folder's tsconfig.json from layers.json, so that the compiler refuses what the layers forbid. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const layers = JSON.parse(readFileSync('layers.json', 'utf8'));

export const tsconfigOf = (layer, below) => ({
  extends: '../../tsconfig.base.json',
  compilerOptions: { rootDir: '.', outDir: `../../dist/${layer}` },
  include: layer === 'runtimes' ? ['**/*.ts', '**/*.cjs'] : ['**/*.ts'], // what chaincode loads is no module
  exclude: ['**/*.test.ts', '**/*.contract.ts'],
  references: [...new Set(below.map((room) => room.split('/')[0]))].map((folder) => ({ path: `../${folder}` })),
});

for (const [layer, below] of Object.entries(layers)) {
  if (existsSync(`src/${layer}`)) writeFileSync(`src/${layer}/tsconfig.json`, `${JSON.stringify(tsconfigOf(layer, below), null, 2)}\n`);
}
writeFileSync(
  'tsconfig.json',
  `${JSON.stringify(
    {
      files: [],
      references: Object.keys(layers)
        .filter((l) => existsSync(`src/${l}`))
        .map((l) => ({ path: `src/${l}` })),
    },
    null,
    2,
  )}\n`,
);
