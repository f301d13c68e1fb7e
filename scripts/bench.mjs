/** `npm run bench`: build, compile the measuring program with everything it needs into one folder, run it. */
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensure, root } from './ensure.mjs';

await ensure();
const compiler = [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'bench')];
const { status } = spawnSync(process.execPath, compiler, { stdio: ['ignore', 'inherit', 'inherit'] });
if (status !== 0) process.exit(1);
copyFileSync(join(root, 'package.json'), join(root, 'dist/measuring/package.json')); // a peer reads its version there
const child = spawn(process.execPath, [join(root, 'dist/measuring/bench/main.js'), ...process.argv.slice(2)], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 1));
