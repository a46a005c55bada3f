import { defineConfig } from 'vite';

// The panel's Preact is the only copy of the page; popup menus bring the package's.
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  resolve: { alias: [{ find: /^preact(?=$|\/)/, replacement: '@bpmn-io/properties-panel/preact' }] },
  // Fonts are files: the page allows no data: fonts.
  build: { assetsInlineLimit: 0, outDir: 'dist', emptyOutDir: true, chunkSizeWarningLimit: 2000 },
});
