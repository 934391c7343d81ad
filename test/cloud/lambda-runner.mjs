// What Lambda's own bootstrap does, over this process's channel: loads the handler that _HANDLER names once, then answers
// one event after the other. Plain JavaScript, so that the process needs nothing but the unpacked zip.
import { pathToFileURL } from 'node:url';

const [file, name] = process.env._HANDLER.split('.');
const { [name]: handler } = await import(pathToFileURL(`${process.env.LAMBDA_TASK_ROOT}/${file}.mjs`).href);

process.on('message', async ({ id, event, context }) => {
  try {
    process.send({ id, result: (await handler(event, context)) ?? null });
  } catch (error) {
    process.send({
      id,
      error: { errorType: error?.name ?? 'Error', errorMessage: String(error?.message ?? error) },
    });
  }
});
process.on('disconnect', () => process.exit(0));
process.send({ ready: true, rss: process.memoryUsage.rss() });
