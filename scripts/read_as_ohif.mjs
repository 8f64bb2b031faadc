// What OHIF's own readers (@cornerstonejs/adapters) make of our SEG and SR:
//
//   mkdir ohif && cp scripts/read_as_ohif.mjs ohif && cd ohif
//   npm install @cornerstonejs/adapters@5.14.0 @cornerstonejs/core @cornerstonejs/tools @babel/runtime \
//       dcmjs@0.52.0 ndarray buffer lodash.clonedeep gl-matrix
//   node read_as_ohif.mjs STUDY OBJECTS 2>/dev/null  # CT slices; what `spondyl analyze --dicom-out` wrote
//
// Prints the voxels of each segment as the reader sees them, and which measurements it would draw. (To stderr
// it tells of each measurement group that none of its tools draws it.)

import fs from 'node:fs';
import path from 'node:path';
import { adaptersSEG, adaptersSR } from '@cornerstonejs/adapters';
import dcmjs from 'dcmjs';

const [studyFolder, objectsFolder] = process.argv.slice(2);
const { DicomMessage, DicomMetaDictionary } = dcmjs.data;

function content(file) {
  const bytes = fs.readFileSync(file);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

function read(file) {
  const message = DicomMessage.readFile(content(file));
  return { ...DicomMetaDictionary.naturalizeDataset(message.dict), _meta: message.meta };
}

function filesOf(folder) {
  return fs.readdirSync(folder).map((name) => path.join(folder, name));
}

// slices by the image ID under which a viewer would hold them
const slices = new Map(filesOf(studyFolder).map(read).map((slice) => [`slice:${slice.SOPInstanceUID}`, slice]));
const imageIds = [...slices.keys()].sort(
  (a, b) => slices.get(a).ImagePositionPatient[2] - slices.get(b).ImagePositionPatient[2],
);
const metadata = {
  get(module, imageId) {
    const slice = slices.get(imageId);
    return {
      instance: slice,
      generalImageModule: { sopInstanceUID: slice.SOPInstanceUID },
      sopCommonModule: { sopInstanceUID: slice.SOPInstanceUID, sopClassUID: slice.SOPClassUID },
      generalSeriesModule: { seriesInstanceUID: slice.SeriesInstanceUID, modality: slice.Modality },
      imagePlaneModule: {
        rows: slice.Rows,
        columns: slice.Columns,
        rowCosines: slice.ImageOrientationPatient.slice(0, 3),
        columnCosines: slice.ImageOrientationPatient.slice(3),
        imageOrientationPatient: slice.ImageOrientationPatient,
        imagePositionPatient: slice.ImagePositionPatient,
        frameOfReferenceUID: slice.FrameOfReferenceUID,
        pixelSpacing: slice.PixelSpacing,
      },
    }[module];
  },
};

for (const file of filesOf(objectsFolder).filter((name) => path.basename(name).startsWith('segmentation'))) {
  const state = await adaptersSEG.Cornerstone.Segmentation.generateToolState(imageIds, content(file), metadata);
  const segments = state.segMetadata.data.filter(Boolean);
  const voxels = new Array(segments.length + 1).fill(0);
  for (const labelMap of state.labelmapBufferArray) {
    for (const label of new Uint8Array(labelMap)) voxels[label] += 1;
  }
  segments.forEach((segment, index) => console.log(`${segment.SegmentLabel}: ${voxels[index + 1]} voxels`));
}

const report = read(path.join(objectsFolder, 'report.dcm'));
const drawn = adaptersSR.Cornerstone3D.MeasurementReport.generateToolState(report, new Map(), metadata);
console.log(`drawn of the SR: ${JSON.stringify(drawn)}`);
