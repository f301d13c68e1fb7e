const fs = require('node:fs');
const shim = require('fabric-shim');
const operations = require('./lib/operations.js');

/** One operation per function name, see lib/operations.js. Init takes `init` and then keys and values to begin with. */
class KeyValueChaincode {
  async Init(stub) {
    const { params } = stub.getFunctionAndParameters();
    return answer(() => operations.put(stub, params).then(() => 'init done'));
  }

  async Invoke(stub) {
    const { fcn, params } = stub.getFunctionAndParameters();
    if (fcn === 'status') return withStatus(params);
    if (!Object.hasOwn(operations, fcn)) return shim.error(`unknown function ${fcn}`);
    return answer(() => operations[fcn](stub, params));
  }
}

async function answer(operation) {
  try {
    const payload = await operation();
    return shim.success(Buffer.from(payload ?? ''));
  } catch (error) {
    return shim.error(error.message);
  }
}

/** `status CODE [MESSAGE] [PAYLOAD]`: a response with any status. */
function withStatus([code, message = '', payload = '']) {
  return { status: Number.parseInt(code, 10), message, payload: Buffer.from(payload) };
}

/** Dials the peer, or, with CHAINCODE_SERVER_ADDRESS, waits as a service for the peer to come. */
function run(chaincode) {
  const { CHAINCODE_SERVER_ADDRESS: address, CHAINCODE_ID: ccid } = process.env;
  return address ? shim.server(chaincode, { ccid, address, tlsProps: tlsOfServer() }).start() : shim.start(chaincode);
}

/** TLS unless CHAINCODE_TLS_DISABLED is anything but `false`; the other variables name PEM files. */
function tlsOfServer() {
  const { CHAINCODE_TLS_DISABLED: disabled = 'true' } = process.env;
  if (disabled !== 'false') return undefined;
  const read = (name) => (process.env[name] ? fs.readFileSync(process.env[name]) : undefined);
  const [key, cert, clientCACerts] = ['CHAINCODE_TLS_KEY', 'CHAINCODE_TLS_CERT', 'CHAINCODE_CLIENT_CA_CERT'].map(read);
  return { key, cert, clientCACerts };
}

run(new KeyValueChaincode());
