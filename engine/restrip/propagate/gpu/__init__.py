"""Propagation on a GPU: the stages of the folder above with the same energies, on tensors that stay on the device.

`choice` says whether to, and loads torch only where there is a GPU; everything else here needs torch.

    frame --upload--> planes -> motion -> search -> read, vote -> mix --download--> renditions
"""
