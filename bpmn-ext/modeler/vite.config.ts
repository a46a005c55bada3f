// The package for those who do not build it from source: one module with all, one without bpmn-js, one for viewers, one for ProcessMaker.

import { defineConfig } from 'vite';

export default defineConfig({
  build: {
    lib: { entry: { index: 'src/index.ts', parts: 'src/parts.ts', viewer: 'src/viewer.ts', processmaker: 'processmaker/plugin.ts' }, formats: ['es'] },
    minify: false,
    rolldownOptions: {
      external: (id) => /^(@bpmn-io\/|bpmn-js|diagram-js|bpmn-moddle|tiny-svg|jsonc-parser|preact)/.test(id) && id !== 'bpmn-js-data-connector',
    },
  },
});
