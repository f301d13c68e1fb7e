/** `npm start`: everything that is needed, then `selvage dev` on the sample chaincode. Arguments after `--` go to `selvage dev`. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensure, root } from './ensure.mjs';

await ensure();
const args = [join(root, 'bin/selvage.js'), 'dev', join(root, 'chaincodes/asset-node'), ...process.argv.slice(2)];
const child = spawn(process.execPath, args, { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 130)));
