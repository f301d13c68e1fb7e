import { findTool } from '../../src/chaincode/platforms/tools.ts';
import { chaincodeSuite, deployedTwice } from './chaincode-suite.ts';

const without = async (...tools: readonly string[]): Promise<string | undefined> => {
  for (const tool of tools) if ((await findTool(tool, process.env, ['/usr/local/go/bin'])) === undefined) return `no ${tool} here`;
  return undefined;
};

chaincodeSuite('kv-node as a process', { open: () => deployedTwice('kv-node') });
chaincodeSuite('kv-ts as a process', { open: () => deployedTwice('kv-ts') });
chaincodeSuite('kv-go as a process', { skip: await without('go'), open: () => deployedTwice('kv-go') });
chaincodeSuite('kv-java as a process', { skip: await without('java', 'mvn'), open: () => deployedTwice('kv-java') });
