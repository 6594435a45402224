// OpenAI's own client against assay-worker: what it makes of every kind of answer. TAP on stdout.
//
//     node client.mjs NODE_MODULES URL
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { File } from 'node:buffer';
import path from 'node:path';

globalThis.File ??= File; // Node 18 has it, but not as a global

const [modules, url] = process.argv.slice(2);
const { default: OpenAI, toFile } = createRequire(path.join(modules, 'x.js'))('openai');
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });
const model = 'stub';
const ask = (content, more = {}) => ({ model, messages: [{ role: 'user', content }], ...more });
const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};

const tests = {
  async 'lists the models'() {
    const models = await client.models.list();
    assert.deepEqual(models.data.map((m) => m.id), [model]);
  },
  async 'completes a chat'() {
    const answer = await client.chat.completions.create(ask('echo:Hello, wörld 🚀'));
    assert.equal(answer.choices[0].message.content, 'Hello, wörld 🚀');
    assert.equal(answer.choices[0].finish_reason, 'stop');
    assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
  },
  async 'streams a chat with its usage'() {
    const stream = await client.chat.completions.create(
      ask('echo:one two three', { stream: true, stream_options: { include_usage: true } }));
    let text = '', usage = null, finishes = 0;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      finishes += chunk.choices[0]?.finish_reason ? 1 : 0;
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, 'one two three');
    assert.equal(finishes, 1);
    assert.ok(usage.completion_tokens > 0);
  },
  async 'puts a streamed answer together with its own helper'() {
    const answer = await client.chat.completions.stream(ask('echo:put together')).finalChatCompletion();
    assert.equal(answer.choices[0].message.content, 'put together');
  },
  async 'gets a tool call with valid arguments'() {
    const answer = await client.chat.completions.create(ask('use get_weather', { tools: [weather] }));
    const call = answer.choices[0].message.tool_calls[0];
    assert.equal(answer.choices[0].finish_reason, 'tool_calls');
    assert.equal(call.function.name, 'get_weather');
    assert.equal(typeof JSON.parse(call.function.arguments).city, 'string');
  },
  async 'puts streamed tool calls together'() {
    const runner = client.chat.completions.stream(ask('use get_weather', { tools: [weather] }));
    const answer = await runner.finalChatCompletion();
    assert.equal(typeof JSON.parse(answer.choices[0].message.tool_calls[0].function.arguments).city, 'string');
  },
  async 'runs a whole loop of tools'() {
    const cities = [];
    const tool = { ...weather, function: { ...weather.function, parse: JSON.parse,
      function: ({ city }) => { cities.push(city); return '18 degrees'; } } };
    const runner = client.chat.completions.runTools(ask('use get_weather', { tools: [tool] }));
    assert.ok(await runner.finalContent());
    assert.equal(cities.length, 1);
  },
  async 'parses structured output'() {
    const schema = { type: 'object', additionalProperties: false, required: ['age'],
      properties: { age: { type: 'integer', minimum: 18, maximum: 20 } } };
    const answer = await client.chat.completions.parse(
      ask('a person', { response_format: { type: 'json_schema', json_schema: { name: 'p', strict: true, schema } } }));
    const { age } = JSON.parse(answer.choices[0].message.content);
    assert.ok(age >= 18 && age <= 20);
  },
  async 'completes a text'() {
    const answer = await client.completions.create({ model, prompt: 'echo:more', max_tokens: 50 });
    assert.equal(answer.choices[0].text, 'more');
  },
  async 'embeds texts'() {
    // The client asks for base64 by itself and decodes it.
    const answer = await client.embeddings.create({ model, input: ['red apple', 'green apple', 'far galaxy'] });
    const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
    const [a, b, c] = answer.data.map((d) => d.embedding);
    assert.equal(a.length, 384);
    assert.ok(Math.abs(dot(a, a) - 1) < 1e-5);
    assert.ok(dot(a, b) > dot(a, c));
  },
  async 'uploads, reads and deletes a file'() {
    const content = 'a\r\n--b\r\nç';
    const file = await client.files.create({ file: await toFile(Buffer.from(content), 'notes.txt'), purpose: 'user_data' });
    assert.equal(file.filename, 'notes.txt');
    assert.equal(await (await client.files.content(file.id)).text(), content);
    assert.ok((await client.files.list()).data.some((f) => f.id === file.id));
    assert.equal((await client.files.delete(file.id)).deleted, true);
    await assert.rejects(client.files.retrieve(file.id), OpenAI.NotFoundError);
  },
  async 'runs a batch'() {
    const lines = [
      ['good', ask('echo:from a batch')],
      ['bad', ask('hello', { temperature: 9 })],
    ].map(([custom_id, body]) => JSON.stringify({ custom_id, method: 'POST', url: '/v1/chat/completions', body }));
    const file = await client.files.create({ file: await toFile(Buffer.from(lines.join('\n')), 'in.jsonl'), purpose: 'batch' });
    let batch = await client.batches.create({ input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h', metadata: { a: 'b' } });
    const seen = [batch.status];
    for (let i = 0; i < 10 && batch.status !== 'completed'; i++) {
      batch = await client.batches.retrieve(batch.id);
      seen.push(batch.status);
    }
    assert.deepEqual(seen, ['validating', 'in_progress', 'completed']);
    assert.deepEqual(batch.request_counts, { total: 2, completed: 1, failed: 1 });
    const read = async (id) => JSON.parse(await (await client.files.content(id)).text());
    const good = await read(batch.output_file_id), bad = await read(batch.error_file_id);
    assert.equal(good.custom_id, 'good');
    assert.equal(good.response.body.choices[0].message.content, 'from a batch');
    assert.equal(bad.response.status_code, 400);
    assert.equal(bad.response.body.error.param, 'temperature');
  },
  async 'cancels a batch, and a bad one fails'() {
    const upload = async (text) => (await client.files.create({ file: await toFile(Buffer.from(text), 'x.jsonl'), purpose: 'batch' })).id;
    const create = async (text) => client.batches.create({ input_file_id: await upload(text), endpoint: '/v1/embeddings', completion_window: '24h' });
    const good = await create(JSON.stringify({ custom_id: 'a', method: 'POST', url: '/v1/embeddings', body: { model, input: 'x' } }));
    assert.equal((await client.batches.cancel(good.id)).status, 'cancelling');
    assert.equal((await client.batches.retrieve(good.id)).status, 'cancelled');
    const bad = await create('{"custom_id":');
    const failed = await client.batches.retrieve(bad.id);
    assert.equal(failed.status, 'failed');
    assert.equal(failed.errors.data[0].code, 'invalid_json_line');
  },
  async 'sees errors as its own classes'() {
    await assert.rejects(client.chat.completions.create(ask('x', { model: 'nope' })), OpenAI.NotFoundError);
    await assert.rejects(client.chat.completions.create(ask('x', { temperature: 9 })), (error) =>
      error instanceof OpenAI.BadRequestError && error.param === 'temperature' && error.code === 'decimal_above_max_value');
  },
};

let number = 0, failed = 0;
console.log(`1..${Object.keys(tests).length}`);
for (const [name, test] of Object.entries(tests)) {
  try {
    await test();
    console.log(`ok ${++number} - ${name}`);
  } catch (error) {
    failed++;
    console.log(`not ok ${++number} - ${name}\n${String(error.stack).replace(/^/gm, '# ')}`);
  }
}
process.exitCode = failed ? 1 : 0;
