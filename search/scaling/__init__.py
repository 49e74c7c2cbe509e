"""EfficientNet's coefficients: the released ones, the search for α, β, γ by training, and fitted laws."""
