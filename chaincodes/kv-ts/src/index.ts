import { readFileSync } from 'node:fs';
import shim, { type ChaincodeInterface, type ChaincodeResponse, type ChaincodeServerOpts, type ChaincodeStub, Shim } from 'fabric-shim';
import { operations, put } from './operations';

/** One operation per function name. Init takes `init` and then keys and values to begin with. */
class KeyValueChaincode implements ChaincodeInterface {
  async Init(stub: ChaincodeStub): Promise<ChaincodeResponse> {
    const { params } = stub.getFunctionAndParameters();
    return answer(() => put(stub, params).then(() => 'init done'));
  }

  async Invoke(stub: ChaincodeStub): Promise<ChaincodeResponse> {
    const { fcn, params } = stub.getFunctionAndParameters();
    if (fcn === 'status') return withStatus(params);
    const operation = operations.get(fcn);
    return operation === undefined ? failure(`unknown function ${fcn}`) : answer(() => operation(stub, params));
  }
}

async function answer(operation: () => Promise<Uint8Array | string>): Promise<ChaincodeResponse> {
  try {
    return shim.success(Buffer.from((await operation()) ?? ''));
  } catch (thrown) {
    return failure(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/** What `shim.error` makes of a text; its type asks for bytes, which the shim does not survive. */
const failure = (message: string): ChaincodeResponse => ({ status: 500, message, payload: Buffer.alloc(0) });

/** `status CODE [MESSAGE] [PAYLOAD]`: a response with any status. */
const withStatus = ([code, message = '', payload = '']: readonly string[]): ChaincodeResponse => ({
  status: Number(code),
  message,
  payload: Buffer.from(payload),
});

/** Dials the peer, or, with CHAINCODE_SERVER_ADDRESS, waits as a service for the peer to come. */
function run(chaincode: ChaincodeInterface): unknown {
  const { CHAINCODE_SERVER_ADDRESS: address, CHAINCODE_ID: ccid } = process.env;
  if (!address) return shim.start(chaincode);
  const options = { ccid, address, tlsProps: tlsOfServer() };
  return Shim.server(chaincode, options as ChaincodeServerOpts).start(); // its type asks for TLS and client certificates always
}

/** TLS unless CHAINCODE_TLS_DISABLED is anything but `false`; the other variables name PEM files. */
function tlsOfServer(): Partial<ChaincodeServerOpts['tlsProps']> | undefined {
  const { CHAINCODE_TLS_DISABLED: disabled = 'true' } = process.env;
  if (disabled !== 'false') return undefined;
  const read = (name: string) => (process.env[name] ? readFileSync(process.env[name]) : undefined);
  return { key: read('CHAINCODE_TLS_KEY'), cert: read('CHAINCODE_TLS_CERT'), clientCACerts: read('CHAINCODE_CLIENT_CA_CERT') };
}

run(new KeyValueChaincode());
