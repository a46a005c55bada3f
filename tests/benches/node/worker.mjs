// The work of a connector as a plain program does it: no ledger, no retries, no configuration. Takes what it needs from
// its arguments: broker, queue, exchange, third party, jobs at once.
import { connect } from 'amqplib';
import { Pool } from 'undici';

const [broker, queue, exchange, thirdParty, prefetch] = process.argv.slice(2);
const pool = new Pool(thirdParty, { connections: Number(prefetch) });
const connection = await connect(broker);
const taking = await connection.createChannel();
const answering = await connection.createConfirmChannel();
await taking.prefetch(Number(prefetch));

async function work(message) {
  const job = JSON.parse(message.content);
  const { n, customer, lines, note } = job.data;
  const body = JSON.stringify({ customer: customer.name, lines, note });
  const headers = { 'content-type': 'application/json', 'idempotency-key': job.id };
  const answer = await pool.request({ method: 'POST', path: `/${job.config.endpoint}/${n}`, headers, body });
  const { order, price } = await answer.body.json();
  const result = {
    job: job.id, process: job.process, request: job.request, element: job.element, status: 'completed',
    data: { order: order.id, state: order.state, price }, call: { attempts: 1, status: answer.statusCode },
  };
  const options = { persistent: true, mandatory: true, messageId: job.id, contentType: 'application/json' };
  await new Promise((resolve, reject) => {
    answering.publish(exchange, 'result.default.order', Buffer.from(JSON.stringify(result)), options,
      (error) => (error ? reject(error) : resolve()));
  });
  taking.ack(message);
}

await taking.consume(queue, (message) => work(message));
console.log('taking jobs');
