# From proven pairs to a dataset folder; shared by the plant and `mendel dataset build`.
mendel_library(mendel_dataset
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/dataset_build.cpp
  LIBS mendel_proto mendel_encoder mendel_validator mendel_storage
  PRIVATE_LIBS nlohmann_json::nlohmann_json)
